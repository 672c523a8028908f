"""The SELECT of each view over `records`.

A trap that shapes them (measured on DuckDB 1.5): a MATERIALIZED CTE or a join kills column pruning, and the
bodies are by far the most of what there is.
"""

from __future__ import annotations

import json

_PART = json.dumps(
    [
        {
            "role": "VARCHAR",
            "kind": "VARCHAR",
            "pointer": "VARCHAR",
            "digest": "VARCHAR",
            "new": "BOOLEAN",
            "text": "VARCHAR",
        }
    ]
)
_WHO = "agent, owner, on_behalf_of, key_id, source_ip"
_CALL = "provider, dialect, model, method, path"

# In their order, for ORDER BY and max(). A value that is none of them is NULL; no writer of ours writes one.
_ACTION = "TRY_CAST(action AS ENUM('allow', 'mask', 'require_approval', 'deny')) AS action"
_SEVERITY = "TRY_CAST(severity AS ENUM('low', 'medium', 'high', 'critical'))"

_DECISIONS = f"""
    SELECT recorded_at, decision_id, exchange_id, session_id, {_WHO}, {_CALL}, phase, {_ACTION}, enforced,
        revision, approval_id, duration_ms, findings, reasons, body, writer, seq
    FROM records WHERE kind = 'decision'
"""  # noqa: S608 - our own names

_REASONS = f"""
    SELECT * REPLACE ({_SEVERITY} AS severity) FROM (
        SELECT recorded_at, decision_id, exchange_id, session_id, {_WHO}, phase, {_ACTION}, enforced,
            revision, unnest(reasons, max_depth := 2)
        FROM records WHERE kind = 'decision')
"""  # noqa: S608 - our own names

_FINDINGS = f"""
    SELECT recorded_at, decision_id, exchange_id, session_id, {_WHO}, phase, {_ACTION},
        unnest(findings, max_depth := 2)
    FROM records WHERE kind = 'decision'
"""  # noqa: S608 - our own names

# One row a question that the candidate was asked as well; `revision` is the candidate's.
_SHADOW = f"""
    SELECT recorded_at, decision_id, exchange_id, session_id, {_WHO}, {_CALL}, phase,
        body->>'$.before' AS before, body->>'$.after' AS after,
        from_json(body->'$.changed', '["VARCHAR"]') AS changed,
        coalesce((body->>'$.differs')::BOOLEAN, false) AS differs, reasons, code,
        coalesce(body->>'$.error', '') AS error, body->>'$.live_revision' AS live_revision,
        revision, duration_ms, body, writer, seq
    FROM records WHERE kind = 'shadow' AND code <> 'dropped'
"""  # noqa: S608 - our own names

# What people did, and what was put in force.
_ACCESS = """
    SELECT recorded_at, code AS act, body->>'$.by' AS "by", key_id, body->>'$.face' AS face, session_id, body,
        writer, seq
    FROM records WHERE kind = 'gateway' AND (body->>'$.by') IS NOT NULL
"""

_POLICY_ACTIVATIONS = """
    SELECT recorded_at, body->>'$.revision' AS revision, body->>'$.before' AS before,
        body->>'$.cause' AS cause, body->>'$.path' AS path, body->>'$.by' AS "by", writer, seq
    FROM records WHERE kind = 'gateway' AND code = 'policy_activated'
"""

# One row an approval: its transitions' records in order, the last of them in charge.
_APPROVALS = """
    SELECT approval_id, arg_max(coalesce(body->>'$.status', code), place) AS status,
        min(recorded_at) AS opened_at, max(recorded_at) AS changed_at,
        arg_min(exchange_id, place) AS exchange_id, arg_min(session_id, place) AS session_id,
        arg_min(agent, place) AS agent, arg_min(owner, place) AS owner,
        arg_min(on_behalf_of, place) AS on_behalf_of,
        arg_min(provider, place) AS provider, arg_min(method, place) AS method, arg_min(path, place) AS path,
        arg_min(phase, place) AS phase, arg_min(revision, place) AS revision,
        arg_min(reasons, place) AS reasons,
        coalesce(arg_max(from_json(body->'$.approvers', '["VARCHAR"]'), place), []) AS approvers,
        list({'event': code, 'recorded_at': recorded_at, 'body': body} ORDER BY place) AS transitions
    FROM (SELECT *, {'recorded_at': recorded_at, 'seq': seq} AS place
          FROM records WHERE kind = 'approval' AND approval_id <> '')
    GROUP BY approval_id
"""

# Subqueries, written out where they are used twice: `records` holds an error(), and DuckDB materialises a
# WITH query that does, bodies and all.
_SAID = f"""
    (SELECT *, from_json(body->'$.parts', '{_PART}') AS parts
     FROM records WHERE kind IN ('decision', 'forwarded', 'completion', 'refusal') AND exchange_id <> '')
"""  # noqa: S608 - our own names

_EACH = f"""
    (SELECT recorded_at, exchange_id, session_id, decision_id, kind AS record_kind, phase, writer, seq,
        generate_subscripts(parts, 1) AS place, unnest(parts) AS part
     FROM {_SAID})
"""  # noqa: S608 - our own names

# One row a part of a prompt or completion, its text found wherever its session stored it first.
_PARTS = f"""
    SELECT recorded_at, exchange_id, each.session_id, decision_id, record_kind, phase, place,
        part.role AS role, part.kind AS kind, part.pointer AS pointer, part.digest AS digest,
        part.new AS "new",
        coalesce(part.text, stored.text) AS text, writer, seq
    FROM {_EACH} AS each LEFT JOIN (
        SELECT session_id, part.digest AS digest, arg_min(part.text, recorded_at) AS text
        FROM {_EACH} WHERE part.text IS NOT NULL GROUP BY ALL
    ) AS stored ON stored.session_id = each.session_id AND stored.digest = part.digest
"""  # noqa: S608 - our own names

# Codes of exchanges that may have ended before the provider had the whole body.
_UNANSWERED = "('upstream_unavailable', 'upstream_timeout', 'cancelled', 'internal_error')"
_ENDED = "kind IN ('completion', 'refusal')"
_ASKED = "kind = 'decision' AND phase <> 'response'"
_ANSWERED = "kind = 'decision' AND phase = 'response'"

# What one record says of how its exchange ended. At most 12 characters each: DuckDB keeps those in place, so
# that a question over many exchanges spills a sixth of what three aggregates would.
_OUTCOME = """
    CASE
        WHEN kind = 'decision' AND NOT enforced THEN 'interrupted'
        WHEN kind = 'decision' AND action = 'deny' THEN 'refused'
        WHEN kind = 'decision' AND action = 'require_approval' THEN 'held'
        WHEN kind IN ('decision', 'forwarded') THEN 'interrupted'
        WHEN code = 'cancelled' THEN 'cancelled'
        WHEN code = 'approval_required' THEN 'held'
        WHEN code = '' AND status < 400 THEN 'completed'
        WHEN code = '' OR starts_with(code, 'upstream_') OR code = 'internal_error' THEN 'failed'
        ELSE 'refused'
    END
"""

# Whether anything went to the provider. The record that says so is queued, not awaited: a crash may have lost
# it, and what is not known is never `no`.
_SENT = f"""
    CASE
        WHEN state IN ('refused', 'held') AND forwarded_at IS NULL THEN 'no'
        WHEN forwarded_at IS NULL AND ended_at IS NOT NULL AND state <> 'completed' THEN 'no'
        WHEN forwarded_at IS NULL THEN 'unknown'
        WHEN response_action <> '' OR input_tokens >= 0 OR output_tokens >= 0 THEN 'yes'
        WHEN ended_at IS NULL OR code IN {_UNANSWERED} THEN 'unknown'
        ELSE 'yes'
    END
"""

# Closing records come after every decision, by the highest bit of a BIGINT that is not its sign.
_STANDING = f"seq | CASE WHEN {_ENDED} THEN {1 << 62} ELSE 0 END"

# The text of a list of parts. The session's stored texts come by a join on the session alone, which leaves
# the bodies out of every query that does not ask for `prompt` or `completion`.
_TEXTS = """coalesce(array_to_string(list_transform({parts}, lambda part: coalesce(
        part.text, known.texts[list_position(known.digests, part.digest)], '[not recorded]')),
        chr(10)), '')"""

# By session too, which an exchange has one of: a question about one session then reads no other's records.
_GROUPED = f"""
    (SELECT exchange_id, session_id,
        min(recorded_at) AS started_at,
        max(recorded_at) FILTER ({_ENDED}) AS ended_at,
        arg_max(agent, seq) AS agent, arg_max(owner, seq) AS owner,
        arg_max(on_behalf_of, seq) AS on_behalf_of,
        arg_max(provider, seq) AS provider, arg_max(dialect, seq) AS dialect, arg_max(model, seq) AS model,
        arg_max(method, seq) AS method, arg_max(path, seq) AS path,
        arg_max(key_id, seq) AS key_id, arg_max(source_ip, seq) AS source_ip,
        max(forwarded_at) AS forwarded_at, max(bytes_sent) AS bytes_sent, max(sent_digest) AS sent_digest,
        arg_max(findings, seq) FILTER ({_ASKED}) AS findings,
        coalesce(arg_max(action, seq) FILTER ({_ASKED}), '') AS action,
        coalesce(arg_max(action, seq) FILTER ({_ANSWERED}), '') AS response_action,
        coalesce(arg_max(decision_id, seq) FILTER ({_ASKED}), '') AS decision_id,
        arg_max(enforced, seq) AS enforced,
        arg_max(revision, seq) AS revision,
        arg_max(approval_id, seq) AS approval_id,
        arg_max({_OUTCOME}, {_STANDING}) AS state,
        coalesce(arg_max(status, seq) FILTER ({_ENDED}), -1) AS status,
        coalesce(arg_max(code, seq) FILTER ({_ENDED}), '') AS code,
        coalesce(arg_max(input_tokens, seq) FILTER ({_ENDED}), -1) AS input_tokens,
        coalesce(arg_max(output_tokens, seq) FILTER ({_ENDED}), -1) AS output_tokens,
        coalesce(arg_max(cost, seq) FILTER ({_ENDED}), -1) AS cost,
        coalesce(arg_max(duration_ms, seq) FILTER ({_ENDED}), -1) AS duration_ms,
        arg_min(parts, seq) FILTER (kind <> 'completion' AND phase <> 'response') AS prompt_parts,
        arg_max(parts, seq) FILTER (kind = 'completion') AS completion_parts
     FROM {_SAID} GROUP BY exchange_id, session_id)
"""  # noqa: S608 - our own names

_KNOWN = f"""
    (SELECT session_id, list_transform(stored, lambda part: part.digest) AS digests,
        list_transform(stored, lambda part: part.text) AS texts
     FROM (SELECT session_id, flatten(list(list_filter(parts, lambda part: part.text IS NOT NULL))) AS stored
           FROM {_SAID} GROUP BY session_id))
"""  # noqa: S608 - our own names

_EXCHANGES = f"""
    SELECT exchange_id, said.session_id, started_at, ended_at, {_WHO}, {_CALL}, action, response_action,
        decision_id, enforced, revision, approval_id, state, status, code,
        input_tokens, output_tokens, cost, duration_ms,
        {_SENT} AS sent, forwarded_at, bytes_sent, sent_digest,
        {_TEXTS.format(parts="prompt_parts")} AS prompt,
        {_TEXTS.format(parts="completion_parts")} AS completion
    FROM {_GROUPED} AS said LEFT JOIN {_KNOWN} AS known ON known.session_id = said.session_id
"""  # noqa: S608 - our own names

# One row an entity of a prompt; an exchange without a finding has one row too, its entity NULL.
_EGRESS = f"""
    SELECT * EXCLUDE (finding), finding.entity AS entity, finding.category AS category,
        finding.treatment AS treatment, finding.count AS count, finding."distinct" AS "distinct"
    FROM (SELECT exchange_id, session_id, started_at, {_WHO}, {_CALL}, action, enforced, state, code,
              {_SENT} AS sent, forwarded_at, bytes_sent, sent_digest,
              unnest(CASE WHEN len(findings) > 0 THEN findings ELSE [NULL] END) AS finding
          FROM {_GROUPED})
"""  # noqa: S608 - our own names

_SESSIONS = f"""
    SELECT session_id, arg_max(agent, recorded_at) AS agent, arg_max(owner, recorded_at) AS owner,
        coalesce(list_sort(list(DISTINCT on_behalf_of) FILTER (on_behalf_of <> '')), []) AS on_behalf_of,
        min(recorded_at) AS started_at, max(recorded_at) AS ended_at,
        count(DISTINCT exchange_id) AS exchanges,
        count(DISTINCT exchange_id) FILTER (action = 'deny') AS denied,
        count(DISTINCT exchange_id) FILTER (action = 'mask') AS masked,
        count(DISTINCT exchange_id) FILTER (action = 'require_approval') AS held,
        coalesce(sum(input_tokens) FILTER ({_ENDED} AND input_tokens > 0), 0)::BIGINT AS input_tokens,
        coalesce(sum(output_tokens) FILTER ({_ENDED} AND output_tokens > 0), 0)::BIGINT AS output_tokens,
        coalesce(sum(cost) FILTER ({_ENDED} AND cost > 0), 0) AS cost,
        coalesce(list_sort(list(DISTINCT model) FILTER (model <> '')), []) AS models,
        list_sort(list_distinct(flatten(list(list_transform(findings, lambda row: row.entity))))) AS entities
    FROM records
    WHERE kind IN ('decision', 'completion', 'refusal') AND session_id <> '' AND exchange_id <> ''
    GROUP BY session_id
"""  # noqa: S608 - our own names

SELECTS = {
    "decisions": _DECISIONS,
    "reasons": _REASONS,
    "findings": _FINDINGS,
    "shadow": _SHADOW,
    "approvals": _APPROVALS,
    "access": _ACCESS,
    "policy_activations": _POLICY_ACTIVATIONS,
    "parts": _PARTS,
    "exchanges": _EXCHANGES,
    "egress": _EGRESS,
    "sessions": _SESSIONS,
}
