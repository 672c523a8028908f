"""The SELECT of each view over the stored records, and over the logs that are signed beside them.

A trap that shapes them (measured on DuckDB 1.5): a MATERIALIZED CTE or a join kills column pruning, and the
bodies are by far the most of what there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.audit.files.record import COLUMNS
from gateway.audit.reading.columns import (
    ACTION,
    CALL,
    FINDING_COLUMNS,
    FINDINGS,
    REASON_COLUMNS,
    REASONS,
    SEVERITY_RANK,
    STORED,
    WHO,
    known,
    text,
)
from gateway.audit.reading.exchange_sql import EXCHANGE_SELECTS
from gateway.audit.reading.log_sql import log_selects

_RECORDS = f"""
    SELECT {known(*(name for name in COLUMNS if name not in ("findings", "reasons")))},
        {FINDINGS} AS findings, {REASONS} AS reasons, body, erased_at, order_id, segment
    FROM {STORED}
"""  # noqa: S608 - our own names

_DECISIONS = f"""
    SELECT recorded_at, {known("decision_id", "exchange_id", "session_id", *WHO, *CALL, "phase")}, {ACTION},
        {known("enforced", "revision")}, body->'$.decision.tables' AS tables, {text("trace_id", "trace_id")},
        {known("approval_id", "duration_ms")}, {FINDINGS} AS findings, {REASONS} AS reasons, body, writer,
        seq
    FROM {STORED} WHERE kind = 'decision'
"""  # noqa: S608 - our own names

_DECIDED = f"""
    recorded_at, {known("decision_id", "exchange_id", "session_id", *WHO, "phase")}, {ACTION}
"""

_REASONS = f"""
    SELECT * EXCLUDE (one), {REASON_COLUMNS}, {SEVERITY_RANK} FROM (
        SELECT {_DECIDED}, {known("enforced", "revision")}, unnest({REASONS}) AS one
        FROM {STORED} WHERE kind = 'decision')
"""  # noqa: S608 - our own names

# The warnings of the decision in a record's body, as rows; what was erased has none.
WARNINGS = """from_json(body->'$.decision.warnings', '[{
    "rule": "VARCHAR", "title": "VARCHAR", "message": "VARCHAR", "severity": "VARCHAR",
    "controls": ["VARCHAR"], "would": "VARCHAR", "waiver": "VARCHAR"}]')"""

_WARNINGS = f"""
    SELECT * EXCLUDE (one), one.rule AS rule, nullif(one.title, '') AS title,
        nullif(one.message, '') AS message, nullif(one.severity, '') AS severity, one.controls AS controls,
        {SEVERITY_RANK}, nullif(one.would, '') AS would, nullif(one.waiver, '') AS waiver
    FROM (SELECT {_DECIDED}, {known("enforced", "revision")}, unnest({WARNINGS}) AS one
          FROM {STORED} WHERE kind = 'decision')
"""  # noqa: S608 - our own names

_FINDINGS = f"""
    SELECT * EXCLUDE (one, told), {FINDING_COLUMNS},
        list_filter(told, lambda row: row->>'$.entity' = one.entity)[1]->'$.attributes' AS attributes
    FROM (SELECT {_DECIDED}, unnest({FINDINGS}) AS one,
              from_json(body->'$.input.findings', '["JSON"]') AS told
          FROM {STORED} WHERE kind = 'decision')
"""  # noqa: S608 - our own names

# Who runs the tool: only a dialect that has calls of one kind tells.
_TOOL_CALLS = f"""
    SELECT * EXCLUDE (call), nullif(call->>'$.name', '') AS tool, call->'$.arguments' AS arguments,
        from_json(call->'$.restores[*].entity', '["VARCHAR"]') AS restores,
        CASE WHEN dialect = 'mcp' THEN 'server'
            WHEN dialect = 'openai.responses' AND regexp_full_match(call->>'$.name',
                '(web_search|file_search|code_interpreter|image_generation|tool_search)_call') THEN 'provider'
            WHEN dialect IN ('openai.chat', 'gemini.generate') THEN 'agent' END AS run_by
    FROM (SELECT {_DECIDED}, {known("enforced", "provider", "dialect", "model", "approval_id")},
              unnest(from_json(body->'$.input.tool_calls', '["JSON"]')) AS call, writer, seq
          FROM {STORED} WHERE kind = 'decision')
"""  # noqa: S608 - our own names

_COMPLETIONS = f"""
    SELECT recorded_at, {known("exchange_id", "session_id", *WHO, *CALL, "status", "code")},
        {text("model", "response_model")}, {text("finish_reason", "finish_reason")},
        {known("input_tokens", "output_tokens")}, (body->>'$.cached_tokens')::BIGINT AS cached_tokens,
        (body->>'$.cache_written_tokens')::BIGINT AS cache_written_tokens,
        (body->>'$.reasoning_tokens')::BIGINT AS reasoning_tokens,
        (body->>'$.withheld_calls')::BIGINT AS withheld_calls, {known("cost", "duration_ms")},
        (body->>'$.ttft_ms')::DOUBLE AS ttft_ms, {text("streamed", "streamed_digest")},
        {text("trace_id", "trace_id")}, writer, seq
    FROM {STORED} WHERE kind = 'completion'
"""  # noqa: S608 - our own names

# One row an exchange whose provider said what its prompt cache did.
_PROMPT_CACHE = f"""
    SELECT recorded_at, {known("exchange_id", "session_id", *WHO, *CALL, "input_tokens")},
        coalesce((body->>'$.cached_tokens')::BIGINT, 0) AS cached_tokens,
        coalesce((body->>'$.cache_written_tokens')::BIGINT, 0) AS cache_written_tokens, writer, seq
    FROM {STORED}
    WHERE kind = 'completion'
        AND coalesce(body->'$.cached_tokens', body->'$.cache_written_tokens') IS NOT NULL
"""  # noqa: S608 - our own names

# One row a decision that a shadow policy made as well; joins `decisions` by decision_id.
_SHADOW = f"""
    SELECT recorded_at, {known("decision_id", "exchange_id", "session_id", *WHO, *CALL, "phase")},
        {text("before", "before")}, {text("after", "after")},
        from_json(body->'$.changed', '["VARCHAR"]') AS changed,
        coalesce((body->>'$.differs')::BOOLEAN, false) AS differs, {REASONS} AS reasons,
        {known("code")}, {text("error", "error")}, {text("live_revision", "live_revision")},
        {known("revision", "duration_ms")}, body, writer, seq
    FROM {STORED} WHERE kind = 'shadow' AND code <> 'dropped'
"""  # noqa: S608 - our own names

# One row an approval: its transitions' records in order, the last of them in charge.
_APPROVALS = f"""
    SELECT approval_id, state, opened_at, changed_at,
        {known("exchange_id", "session_id", "agent", "owner", "on_behalf_of", "provider", "method", "path")},
        {known("phase", "revision")}, {REASONS} AS reasons, approvers, all_of, denied_by, decided_at, used_at
    FROM (
        SELECT approval_id, arg_max(coalesce(body->>'$.status', code), place) AS state,
            min(recorded_at) AS opened_at, max(recorded_at) AS changed_at,
            arg_min(exchange_id, place) AS exchange_id, arg_min(session_id, place) AS session_id,
            arg_min(agent, place) AS agent, arg_min(owner, place) AS owner,
            arg_min(on_behalf_of, place) AS on_behalf_of,
            arg_min(provider, place) AS provider, arg_min(method, place) AS method,
            arg_min(path, place) AS path,
            arg_min(phase, place) AS phase, arg_min(revision, place) AS revision,
            arg_min(reasons, place) AS reasons,
            coalesce(arg_max(from_json(body->'$.approvers', '["VARCHAR"]'), place), []) AS approvers,
            coalesce(arg_max(from_json(body->'$.all_of',
                '[{{"groups": ["VARCHAR"], "count": "INTEGER", "approvers": ["VARCHAR"]}}]'), place),
                []) AS all_of,
            max(nullif(body->>'$.approver', '')) FILTER (code = 'denied') AS denied_by,
            min(recorded_at) FILTER (code IN ('approved', 'denied')) AS decided_at,
            max(recorded_at) FILTER (code = 'used') AS used_at
        FROM (SELECT *, {{'recorded_at': recorded_at, 'seq': seq}} AS place
              FROM {STORED} WHERE kind = 'approval' AND approval_id <> '')
        GROUP BY approval_id)
"""  # noqa: S608 - our own names

_APPROVAL_EVENTS = f"""
    SELECT recorded_at, approval_id, coalesce(body->>'$.event', code) AS event, {text("status", "state")},
        {text("approver", "person")}, {text("approver_key", "key_id")}, {text("verdict", "verdict")},
        {text("note", "note")}, {text("shown", "shown")},
        {known("exchange_id", "session_id", "agent", "owner", "on_behalf_of")}, body, writer, seq
    FROM {STORED} WHERE kind = 'approval' AND approval_id <> ''
"""  # noqa: S608 - our own names

# What people did, and what was put in force.
_ACCESS = f"""
    SELECT recorded_at, code AS act, body->>'$.by' AS person, key_id, {text("face", "face")},
        {known("session_id")}, {text("sql", "question")}, body, writer, seq
    FROM {STORED} WHERE kind = 'gateway' AND (body->>'$.by') IS NOT NULL
"""  # noqa: S608 - our own names

_POLICY_ACTIVATIONS = f"""
    SELECT recorded_at, {text("revision", "revision")}, {text("before", "before")},
        {text("cause", "cause")}, {text("path", "path")}, {text("by", "person")}, writer, seq
    FROM {STORED} WHERE kind = 'gateway' AND code = 'policy_activated'
"""  # noqa: S608 - our own names

_SELECTS: Mapping[str, str] = {
    "decisions": _DECISIONS,
    "reasons": _REASONS,
    "warnings": _WARNINGS,
    "findings": _FINDINGS,
    "tool_calls": _TOOL_CALLS,
    "completions": _COMPLETIONS,
    "shadow": _SHADOW,
    "approvals": _APPROVALS,
    "approval_events": _APPROVAL_EVENTS,
    "access": _ACCESS,
    "policy_activations": _POLICY_ACTIVATIONS,
    "prompt_cache": _PROMPT_CACHE,
    **EXCHANGE_SELECTS,
    "records": _RECORDS,
}


def selects(root: str, unless: str = "") -> Mapping[str, str]:
    """Return the SELECT of each view, for the folder that the SQL expression `root` names."""
    return {**_SELECTS, **log_selects(root, unless)}
