"""Decisions and refusals as OCSF 1.9 events: API Activity (6003), with three profiles.

An API Activity, and not a Detection Finding (2004): policy decides about every call, and most calls are let
through, so that a finding each would be an alert each. `security_control` says what was done about the call,
`ai_operation` which agent made it by whose delegation, `record_integrity` where its record is in the chain.
What OCSF has no word for is in `unmapped`. https://schema.ocsf.io/1.9.0/classes/api_activity
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway import __version__
from gateway.audit.files.line import GENESIS
from gateway.audit.files.record import COLUMNS

Row = Mapping[str, Any]  # of `SELECT`; a column says what it holds

VERSION = "1.9.0"
_CATEGORY, _CLASS = 6, 6003
_ACTIVITIES = {"POST": 1, "GET": 2, "HEAD": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}
_ACTIVITY_NAMES = {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}
_SEVERITIES = {"": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_SEVERITY_NAMES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
_SUCCESS, _FAILURE, _OTHER = 1, 2, 99
_STATUS_NAMES = {_SUCCESS: "Success", _FAILURE: "Failure", _OTHER: "Held"}
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
    "kind", "phase", "action", "enforced", "decision_id", "approval_id", "on_behalf_of", "delegation",
    "model", "dialect", "duration_ms", "findings", "reasons",
)  # fmt: skip
_PROFILES = ["security_control", "ai_operation", "record_integrity"]
_USER, _OTHER_TYPE = 1, 99
_SERIALIZATION = "regate.record"  # the bytes that a record's hash is of: docs/reference/evidence.md

# A denial is in the evidence as the decision and as the refusal that followed: it is one event.
SELECT = f"""
    SELECT {", ".join(_UNMAPPED)}, writer, seq, recorded_at, exchange_id, session_id, agent, owner, provider,
        key_id, method, path, revision, status, code, prev, hash,
        coalesce(body->>'$.input.source.ip', '') AS ip,
        coalesce(body->>'$.input.source.user_agent', '') AS user_agent
    FROM stored.records WHERE (kind = 'decision' OR (kind = 'refusal' AND code <> 'policy_denied'))
"""  # noqa: S608 - our own names


def event_of_record(record: Row) -> dict[str, object] | None:
    """Turn a record, as its line says it, into the event that `SELECT` and `event` give; None without one."""
    if record["kind"] != "decision" and (record["kind"] != "refusal" or record["code"] == "policy_denied"):
        return None
    body = record.get("body") or {}
    source = (body.get("input") or {}).get("source") or {}
    # a name that was erased, and a column of later records, is not in the line
    row = {**dict.fromkeys(COLUMNS), **record}
    return event({**row, "ip": source.get("ip"), "user_agent": source.get("user_agent")})


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
        "ai_agent": _ai_agent(row),
        "delegation": _present(uid=row["key_id"], issuer_uid="regate") if row["key_id"] else {},
        "attestation_list": [_attestation(row)],
        "api": _api(row),
        "src_endpoint": _present(ip=row["ip"]) or {"name": "unknown"},
        "http_request": _present(
            http_method=row["method"], url=_present(path=row["path"]), user_agent=row["user_agent"]
        ),
        "policy": _present(name="regate", uid=row["revision"]) if row["revision"] else {},
        "unmapped": _present(**{name: row[name] for name in _UNMAPPED if row[name] != -1}),
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
        "profiles": _PROFILES,
        "uid": _uid(row, row["seq"]),
        "sequence": row["seq"],
        "correlation_uid": row["exchange_id"],
        "log_name": "journal",
        "original_time": row["recorded_at"],
    }


def _uid(row: Row, seq: int) -> str:
    return f"{row['writer']}:{seq}"


def _actor(row: Row) -> dict[str, object]:
    """Return the principal: the person who answers for the agent's key, else the agent itself."""
    if row["owner"]:
        user = {"name": row["owner"], "type_id": _USER, "type": "User"}
    else:
        user = {"name": row["agent"] or "unidentified", "type_id": _OTHER_TYPE, "type": "Agent"}
    return _present(user=user, session=_present(uid=row["session_id"]))


def _ai_agent(row: Row) -> dict[str, object]:
    """Return the delegate, with the model that it asked for: OCSF takes a model with its provider only."""
    if not row["agent"]:
        return {}
    named = row["model"] and row["provider"]
    model = {"name": row["model"], "ai_provider": row["provider"]} if named else {}
    return _present(uid=row["agent"], name=row["agent"], instance_uid=row["session_id"], type_id=0,
                    type="Unknown", ai_model=model)  # fmt: skip


def _attestation(row: Row) -> dict[str, object]:
    """Return the record's place in its writer's chain, which the writer's signed heads vouch for."""
    before = {"uid": _uid(row, row["seq"] - 1), "fingerprint": _fingerprint(row["prev"])}
    return _present(
        chain_uid=row["writer"],
        fingerprint=_fingerprint(row["hash"]),
        prev_event=before if row["prev"] != GENESIS else {},
    )


def _fingerprint(digest: str) -> dict[str, object]:
    return {
        "algorithm_id": 3,
        "algorithm": "SHA-256",
        "encoding_id": 1,
        "encoding": "Hex",
        "serialization_id": 99,
        "serialization": _SERIALIZATION,
        "value": digest,
    }


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
