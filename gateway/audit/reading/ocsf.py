"""Decisions and refusals as OCSF 1.3 events: API Activity (6003), with the profile `security_control`.

An API Activity, and not a Detection Finding (2004): policy decides about every call, and most calls are let
through, so that a finding each would be an alert each. What OCSF has no word for is in `unmapped`.
https://schema.ocsf.io/1.3.0/classes/api_activity
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway import __version__

Row = Mapping[str, Any]  # of `SELECT`; a column says what it holds

VERSION = "1.3.0"
_CATEGORY, _CLASS = 6, 6003
_ACTIVITIES = {"POST": 1, "GET": 2, "HEAD": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}
_ACTIVITY_NAMES = {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}
_SEVERITIES = {"": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_SEVERITY_NAMES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
_SUCCESS, _FAILURE, _OTHER = 1, 2, 99
_STATUS_NAMES = {_SUCCESS: "Success", _FAILURE: "Failure", _OTHER: "Other"}
_ACTION_NAMES = {0: "Unknown", 1: "Allowed", 2: "Denied"}
_DISPOSITION_NAMES = {1: "Allowed", 2: "Blocked", 11: "Corrected", 14: "Delayed", 17: "Logged", 27: "Error"}
# what a decision does: action_id, disposition_id, status_id
_DECIDED = {
    "allow": (1, 1, _SUCCESS),
    "mask": (1, 11, _SUCCESS),
    "require_approval": (0, 14, _OTHER),
    "deny": (2, 2, _FAILURE),
}
_DRY_RUN = (1, 17, _SUCCESS)
_REFUSED = (2, 2, _FAILURE)
_FAULT = (2, 27, _FAILURE)  # a fault instead of a decision: nothing fails open
_WHO_SAID_NO = (
    "policy_", "approval_", "unauthenticated", "invalid_request", "prompt_too_large", "out_of_scope",
)  # fmt: skip
_UNMAPPED = (
    "kind", "phase", "action", "enforced", "decision_id", "approval_id", "owner", "on_behalf_of",
    "delegation", "model", "dialect", "duration_ms", "findings", "reasons", "hash",
)  # fmt: skip

# A denial is in the evidence as the decision and as the refusal that followed: it is one event.
SELECT = f"""
    SELECT {", ".join(_UNMAPPED)}, writer, seq, recorded_at, exchange_id, session_id, agent, provider,
        method, path, revision, status, code, coalesce(body->>'$.input.source.ip', '') AS ip,
        coalesce(body->>'$.input.source.user_agent', '') AS user_agent
    FROM stored.records WHERE (kind = 'decision' OR (kind = 'refusal' AND code <> 'policy_denied'))
"""  # noqa: S608 - our own names


def event(row: Row) -> dict[str, object]:
    """Turn one row of `SELECT` into one event."""
    activity = _ACTIVITIES.get(row["method"], 99)
    severity = max((_SEVERITIES.get(reason["severity"], 1) for reason in row["reasons"]), default=1)
    action, disposition, status = _outcome(row)
    said = {
        "activity_id": activity,
        "activity_name": _ACTIVITY_NAMES[activity],
        "category_uid": _CATEGORY,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "type_uid": _CLASS * 100 + activity,
        "type_name": f"API Activity: {_ACTIVITY_NAMES[activity]}",
        "time": int(datetime.fromisoformat(row["recorded_at"]).timestamp() * 1000),
        "severity_id": severity,
        "severity": _SEVERITY_NAMES[severity],
        "status_id": status,
        "status": _STATUS_NAMES[status],
        "status_code": row["code"],
        "action_id": action,
        "action": _ACTION_NAMES[action],
        "disposition_id": disposition,
        "disposition": _DISPOSITION_NAMES[disposition],
        "message": _message(row),
        "metadata": _metadata(row),
        "actor": _actor(row),
        "api": _api(row),
        "src_endpoint": _present(ip=row["ip"]) or {"name": "unknown"},
        "http_request": _present(
            http_method=row["method"], url=_present(path=row["path"]), user_agent=row["user_agent"]
        ),
        "policy": _present(name="regate", uid=row["revision"]) if row["revision"] else {},
        "unmapped": _present(**{name: row[name] for name in _UNMAPPED}),
    }
    return _present(**said)


def _outcome(row: Row) -> tuple[int, int, int]:
    if row["kind"] == "refusal":
        return _REFUSED if row["code"].startswith(_WHO_SAID_NO) and row["status"] < 500 else _FAULT
    return _DECIDED[row["action"]] if row["enforced"] else _DRY_RUN


def _message(row: Row) -> str:
    if row["kind"] == "refusal":
        return f"refused: {row['code']}"
    because = "; ".join(reason["message"] or reason["title"] or reason["rule"] for reason in row["reasons"])
    dry = "" if row["enforced"] else " (dry run: not carried out)"
    return f"{row['phase']}: {row['action']}{dry}{': ' if because else ''}{because}"


def _metadata(row: Row) -> dict[str, object]:
    return {
        "version": VERSION,
        "product": {"name": "Regate", "vendor_name": "Regate", "version": __version__},
        "profiles": ["security_control"],
        "uid": f"{row['writer']}:{row['seq']}",
        "correlation_uid": row["exchange_id"],
        "log_name": "journal",
        "original_time": row["recorded_at"],
    }


def _actor(row: Row) -> dict[str, object]:
    user = {"name": row["agent"] or "unidentified", "type_id": 99, "type": "Agent"}
    return _present(user=user, session=_present(uid=row["session_id"]))


def _api(row: Row) -> dict[str, object]:
    return _present(
        operation=row["dialect"] or "none",
        request={"uid": row["exchange_id"]},
        response=_present(code=row["status"] if row["status"] >= 0 else "", error=row["code"]),
        service=_present(name=row["provider"]),
    )


def _present(**fields: object) -> dict[str, object]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value not in ("", [], {}, None)}
