"""The SELECT of each view that puts exchanges together from their records: how they went, and what was said.

`exchanges` reads no bodies, so that a glance at it takes a moment over any amount of text; `contents` and
`parts` look a session's stored texts up for the exchanges that are asked for, and no others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.audit.reading.columns import ACTION, CALL, FINDINGS, STORED, WHO, known, rank

_PART = json.dumps(
    [
        {
            "role": "VARCHAR",
            "kind": "VARCHAR",
            "pointer": "VARCHAR",
            "digest": "VARCHAR",
            "new": "BOOLEAN",
            "text": "VARCHAR",
            "erased": "VARCHAR",
        }
    ]
)

# Their ids are never empty, so the views give them as they are: a filter on what a function gives would have
# DuckDB read every id.
_ABOUT_EXCHANGES = f"""
    {STORED} WHERE kind IN ('decision', 'forwarded', 'completion', 'refusal') AND exchange_id <> ''
"""

# Subqueries, written out where they are used twice: the records hold an error(), and DuckDB materialises a
# WITH query that does, bodies and all.
_SAID = f"(SELECT *, from_json(body->'$.parts', '{_PART}') AS parts FROM {_ABOUT_EXCHANGES})"  # noqa: S608

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

# By session too, which an exchange has one of: a question about one session then reads no other's records.
_GROUPED = f"""
    (SELECT exchange_id, session_id,
        min(recorded_at) AS started_at,
        max(recorded_at) FILTER ({_ENDED}) AS ended_at,
        arg_max(agent, seq) AS agent, arg_max(owner, seq) AS owner,
        arg_max(on_behalf_of, seq) AS on_behalf_of,
        arg_max(provider, seq) AS provider, arg_max(dialect, seq) AS dialect, arg_max(model, seq) AS model,
        arg_max(method, seq) AS method, arg_max(path, seq) AS path,
        arg_max(delegation, seq) AS delegation,
        arg_max(key_id, seq) AS key_id, arg_max(source_ip, seq) AS source_ip, arg_max(tags, seq) AS tags,
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
        coalesce(arg_max(duration_ms, seq) FILTER ({_ENDED}), -1) AS duration_ms
     FROM {_ABOUT_EXCHANGES} GROUP BY exchange_id, session_id)
"""  # noqa: S608 - our own names

_EXCHANGES = f"""
    SELECT exchange_id, {known("session_id")}, started_at, ended_at, {known(*WHO, "tags", *CALL)}, {ACTION},
        nullif(response_action, '') AS response_action,
        {rank("response_action", "allow", "mask", "require_approval", "deny")},
        {known("decision_id", "enforced", "revision", "approval_id")}, state, {known("status", "code")},
        {known("input_tokens", "output_tokens", "cost", "duration_ms")},
        {_SENT} AS sent, forwarded_at, bytes_sent, sent_digest
    FROM {_GROUPED}
"""  # noqa: S608 - our own names

# One row an entity of a prompt; an exchange without a finding has one row too, its entity NULL.
_EGRESS = f"""
    SELECT * EXCLUDE (one), one.entity AS entity, one.category AS category,
        one.treatment AS treatment, one.count AS count, one."distinct" AS distinct_values
    FROM (SELECT exchange_id, {known("session_id")}, started_at, {known(*WHO, *CALL)}, {ACTION}, enforced,
              state, {known("code")}, {_SENT} AS sent, forwarded_at, bytes_sent, sent_digest,
              unnest(CASE WHEN len(findings) > 0 THEN {FINDINGS} ELSE [NULL] END) AS one
          FROM {_GROUPED})
"""  # noqa: S608 - our own names

_SESSIONS = f"""
    SELECT session_id, nullif(arg_max(agent, recorded_at), '') AS agent,
        nullif(arg_max(owner, recorded_at), '') AS owner,
        coalesce(list_sort(list(DISTINCT on_behalf_of) FILTER (on_behalf_of <> '')), []) AS end_users,
        min(recorded_at) AS started_at, max(recorded_at) AS ended_at,
        count(DISTINCT exchange_id) AS exchanges,
        count(DISTINCT exchange_id) FILTER (action = 'deny') AS denied,
        count(DISTINCT exchange_id) FILTER (action = 'mask') AS masked,
        count(DISTINCT exchange_id) FILTER (action = 'require_approval') AS held,
        (sum(input_tokens) FILTER ({_ENDED} AND input_tokens >= 0))::BIGINT AS input_tokens,
        (sum(output_tokens) FILTER ({_ENDED} AND output_tokens >= 0))::BIGINT AS output_tokens,
        sum(cost) FILTER ({_ENDED} AND cost >= 0) AS cost,
        coalesce(list_sort(list(DISTINCT model) FILTER (model <> '')), []) AS models,
        list_sort(list_distinct(flatten(list(list_transform(findings, lambda row: row.entity))))) AS entities
    FROM {STORED}
    WHERE kind IN ('decision', 'completion', 'refusal') AND session_id <> '' AND exchange_id <> ''
    GROUP BY session_id
"""  # noqa: S608 - our own names

# Texts by a join, which takes no more memory for a session of any length.
_PARTS = f"""
    SELECT recorded_at, exchange_id, each.session_id, decision_id, record_kind, phase, place,
        nullif(part.role, '') AS role, part.kind AS kind, part.pointer AS pointer, part.digest AS digest,
        part.new AS is_new, CASE WHEN part.erased IS NULL THEN coalesce(part.text, stored.text) END AS text,
        CASE WHEN part.erased IS NOT NULL THEN erased_at END AS erased_at, writer, seq
    FROM (SELECT recorded_at, erased_at, {known("exchange_id", "session_id", "decision_id", "phase")},
              kind AS record_kind, writer, seq, generate_subscripts(parts, 1) AS place, unnest(parts) AS part
          FROM {_SAID}) AS each
    LEFT JOIN (
        SELECT session_id, part.digest AS digest, arg_min(part.text, recorded_at) AS text
        FROM (SELECT {known("session_id")}, recorded_at, unnest(parts) AS part FROM {_SAID})
        WHERE part.text IS NOT NULL GROUP BY ALL
    ) AS stored ON stored.session_id = each.session_id AND stored.digest = part.digest
"""  # noqa: S608 - our own names

# The texts that the session of an exchange `each` stored, by their digests: looked up for the exchanges that
# are asked for, and no others.
_KNOWN = f"""
    (SELECT list_transform(kept, lambda part: part.digest) AS digests,
        list_transform(kept, lambda part: part.text) AS texts
     FROM (SELECT flatten(list(list_filter(parts, lambda part: part.text IS NOT NULL))) AS kept
           FROM {_SAID} AS other WHERE other.session_id = each.session_id))
"""  # noqa: S608 - our own names

# What belongs to one message has one pointer up to its number, as in `/messages/2`.
_MESSAGE = "regexp_extract(part.pointer, '^/[^/]+(/[0-9]+)?')"
# Of a tool call, its name and its arguments are what is said; ids and types are syntax.
_IS_SAID = """(part.kind IN ('system', 'text', 'tool_result', 'signed')
    OR part.kind = 'tool_call' AND NOT regexp_matches(part.pointer, '/(id|type|call_id|tool_use_id)$'))"""
_WHOSE = ("agent", "owner", "on_behalf_of", "provider", "dialect", "model")
_OF_EXCHANGE = ("started_at", *_WHOSE, "erased_at")


def _filled(parts: str) -> str:
    """Return the parts with the texts that their session stored; one NULL where there is none."""
    return f"""CASE WHEN len({parts}) > 0 THEN list_transform({parts}, lambda part: {{'role': part.role,
        'kind': part.kind, 'pointer': part.pointer, 'text': coalesce(
        CASE WHEN part.erased IS NULL THEN part.text ELSE '[erased]' END,
        known.texts[list_position(known.digests, part.digest)], '[not recorded]')}}) ELSE [NULL] END"""


# One row a part of what an exchange asked, and of what it was answered; one of each where it has none.
_TOLD = f"""
    (SELECT * EXCLUDE (side), side.is_answer AS is_answer,
        generate_subscripts(side.parts, 1) AS place, unnest(side.parts) AS part
     FROM (SELECT each.* EXCLUDE (asked, answered), unnest([
               {{'is_answer': false, 'parts': {_filled("asked")}}},
               {{'is_answer': true, 'parts': {_filled("answered")}}}]) AS side
           FROM (SELECT exchange_id, session_id, min(recorded_at) AS started_at,
                     {", ".join(f"arg_max({name}, seq) AS {name}" for name in _WHOSE)},
                     max(erased_at) AS erased_at,
                     arg_min(parts, seq) FILTER (kind <> 'completion' AND phase <> 'response') AS asked,
                     arg_max(parts, seq) FILTER (kind = 'completion') AS answered
                 FROM {_SAID} GROUP BY exchange_id, session_id) AS each, LATERAL {_KNOWN} AS known))
"""  # noqa: S608 - our own names

# One row a message, and one for what an exchange says outside of messages.
_BY_MESSAGE = f"""
    (SELECT exchange_id, session_id, is_answer, {_MESSAGE} AS message,
        {", ".join(f"any_value({name}) AS {name}" for name in _OF_EXCHANGE)}, min(place) AS place,
        string_agg(part.text, chr(10) ORDER BY place) FILTER ({_IS_SAID}) AS said,
        string_agg(part.text, chr(10) ORDER BY place) FILTER (part.kind = 'system') AS system,
        string_agg(part.text, chr(10) ORDER BY place) FILTER ({_IS_SAID} AND part.kind <> 'system')
            AS content,
        nullif(arg_min(part.role, place) FILTER ({_IS_SAID}), '') AS role,
        max(part.text) FILTER (part.pointer = {_MESSAGE} || '/name') AS name,
        list({{'pointer': part.pointer, 'text': part.text}} ORDER BY place) FILTER (part.kind = 'field')
            AS fields
     FROM {_TOLD} GROUP BY exchange_id, session_id, is_answer, message)
"""  # noqa: S608 - our own names


def _messages(condition: str) -> str:
    said = "{'role': role, 'content': content, 'name': name}"
    return f"list({said} ORDER BY place) FILTER ({condition} AND content IS NOT NULL)"


_CONTENTS = f"""
    SELECT exchange_id, {known("session_id")}, started_at, {known(*_WHOSE)}, prompt, completion, system,
        messages, answers, fields, erased_at
    FROM (SELECT exchange_id, session_id,
              {", ".join(f"any_value({name}) AS {name}" for name in _OF_EXCHANGE)},
              string_agg(said, chr(10) ORDER BY place) FILTER (NOT is_answer) AS prompt,
              string_agg(said, chr(10) ORDER BY place) FILTER (is_answer) AS completion,
              string_agg(system, chr(10) ORDER BY place) FILTER (NOT is_answer) AS system,
              {_messages("NOT is_answer")} AS messages, {_messages("is_answer")} AS answers,
              flatten(list(fields ORDER BY place) FILTER (NOT is_answer AND fields IS NOT NULL)) AS fields
          FROM {_BY_MESSAGE} GROUP BY exchange_id, session_id)
"""  # noqa: S608 - our own names

EXCHANGE_SELECTS: Mapping[str, str] = {
    "exchanges": _EXCHANGES,
    "egress": _EGRESS,
    "sessions": _SESSIONS,
    "contents": _CONTENTS,
    "parts": _PARTS,
}
