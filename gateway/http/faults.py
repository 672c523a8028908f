"""Errors behind the admin API and the console, as a status, a code and a message for the caller."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.approvals import ApprovalClosed, MayNotDecide, NoSuchPage, UnknownApproval, VerdictRefused
from gateway.audit.reading import QueryFailed, QueryRefused
from gateway.errors import Refusal, RegateError
from gateway.oversight import (
    BodyTooLarge,
    BodyTooLate,
    Busy,
    Forbidden,
    NotInEvidence,
    UnknownKey,
    UnknownTool,
)

_log = logging.getLogger("regate.oversight")


class Fault(NamedTuple):
    """An error as the caller sees it."""

    status: int
    code: str
    message: str


# The first that fits counts: a subclass comes before its base.
_CASES: tuple[tuple[type[RegateError], int, str], ...] = (
    (Forbidden, 403, "forbidden"),
    (UnknownApproval, 404, "not_found"),
    (ApprovalClosed, 409, "approval_closed"),
    (MayNotDecide, 403, "may_not_decide"),
    (VerdictRefused, 422, "invalid_value"),
    (NoSuchPage, 404, "not_found"),
    (UnknownKey, 404, "not_found"),
    (UnknownTool, 404, "not_found"),
    (NotInEvidence, 404, "not_found"),
    (QueryRefused, 422, "query_refused"),
    (QueryFailed, 422, "query_failed"),
    (Busy, 503, "busy"),
    (BodyTooLarge, 413, "body_too_large"),
    (BodyTooLate, 408, "body_too_late"),
)


def describe(error: Exception) -> Fault:
    """Return the fault of an error. One without a case is logged, and its fault gives nothing of it away."""
    match error:
        case Refusal():
            return Fault(error.status, error.code, error.message)
        case HTTPException():
            phrase = HTTPStatus(error.status_code).phrase.lower()
            return Fault(error.status_code, phrase.replace(" ", "_"), phrase)
        case ClientDisconnect():
            return Fault(400, "invalid_request", "the body ended early")
    for kind, status, code in _CASES:
        if isinstance(error, kind):
            return Fault(status, code, str(error))
    _log.error("unforeseen fault", exc_info=error)
    return Fault(500, "internal_error", "the gateway failed on this request; its log says why")
