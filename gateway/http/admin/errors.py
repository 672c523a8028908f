"""What goes wrong on the admin API, as a status and `{"error": {"code", "message"}}`."""

from __future__ import annotations

import logging
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.approvals import ApprovalClosed, MayNotDecide, NoSuchPage, UnknownApproval, VerdictRefused
from gateway.audit.reading import QueryFailed, QueryRefused
from gateway.errors import Refusal, RegateError
from gateway.oversight import BodyTooLarge, BodyTooLate, Busy, Forbidden, NotInEvidence, UnknownKey

_log = logging.getLogger("regate.admin")

# The first that fits, so subclasses come before what they are subclasses of.
_CASES: tuple[tuple[type[RegateError], int, str], ...] = (
    (Forbidden, 403, "forbidden"),
    (UnknownApproval, 404, "not_found"),
    (ApprovalClosed, 409, "approval_closed"),
    (MayNotDecide, 403, "may_not_decide"),
    (VerdictRefused, 422, "invalid_value"),
    (NoSuchPage, 404, "not_found"),
    (UnknownKey, 404, "not_found"),
    (NotInEvidence, 404, "not_found"),
    (QueryRefused, 422, "query_refused"),
    (QueryFailed, 422, "query_failed"),
    (Busy, 503, "busy"),
    (BodyTooLarge, 413, "body_too_large"),
    (BodyTooLate, 408, "body_too_late"),
)


class InvalidValue(RegateError):
    """A value of the body or the query that is not what is expected."""


class UnsupportedMediaType(RegateError):
    """A body that does not say it is JSON."""


def describe(error: Exception) -> tuple[int, str, str]:
    """Status, code and message. What nobody foresaw is logged here and tells the caller nothing."""
    match error:
        case Refusal():
            return error.status, error.code, error.message
        case InvalidValue():
            return 422, "invalid_value", str(error)
        case UnsupportedMediaType():
            return 415, "unsupported_media_type", str(error)
        case HTTPException():
            phrase = HTTPStatus(error.status_code).phrase.lower()
            return error.status_code, phrase.replace(" ", "_"), phrase
        case ClientDisconnect():
            return 400, "invalid_request", "the body ended early"
    for kind, status, code in _CASES:
        if isinstance(error, kind):
            return status, code, str(error)
    _log.error("unforeseen fault", exc_info=error)
    return 500, "internal_error", "the gateway failed on this request"
