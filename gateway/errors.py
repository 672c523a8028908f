"""Every way in which Regate refuses, as exceptions that know their HTTP status and code.

    RegateError
    ├── ConfigError                  the configuration or the policy files cannot be used: nothing starts
    └── Refusal                      one exchange is refused; `status` and `code` go to the caller
        ├── InvalidRequest           400 invalid_request
        ├── Unauthenticated          401 unauthenticated
        ├── PolicyOutcome            policy, a person or a key's scope says no: the caller should not retry
        │   ├── PolicyDenied         403 policy_denied
        │   ├── ApprovalRequired     403 approval_required
        │   ├── OutOfScope           403 out_of_scope
        │   ├── ApprovalDenied       403 approval_denied
        │   └── ApprovalExpired      403 approval_expired
        ├── OriginRefused            403 origin_refused
        ├── PromptTooLarge           413 prompt_too_large
        ├── WebSocketUnsupported     426 websocket_unsupported
        ├── TooManyExchanges         429 too_many_exchanges
        ├── PolicyError              500 policy_error
        ├── PolicyUnavailable        503 policy_unavailable
        ├── InspectionFailed         503 inspection_failed
        ├── RecordingFailed          503 recording_failed
        ├── StateUnavailable         503 state_unavailable
        ├── IssuerUnavailable        503 issuer_unavailable
        ├── Overloaded               503 overloaded
        ├── ShuttingDown             503 shutting_down
        ├── UpstreamUnavailable      502 upstream_unavailable
        ├── UpstreamUnreadable       502 upstream_unreadable, or the status of the provider's error
        └── UpstreamTimeout          504 upstream_timeout

Messages are lower case, say what failed and what was expected, and never hold a matched value or a
credential. A guard adds no class: it turns a decision into `deny`, which ends in PolicyDenied.

A new class is listed in docs/reference/errors.md. Its code says more than its name:
- `upstream_…` is a fault of the provider: the record is a `completion`, and the exchange counts as `failed`.
- One with which an exchange may end before the provider had the whole prompt is named in `_UNANSWERED` of
  `gateway/audit/reading/exchange_sql.py`.
- A denial is named in `_DENIALS` of `gateway/exchange/refuse.py`.
- A type other than `api_error` is named in `gateway/dialects/reading/failure.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class RegateError(Exception):
    """The root of Regate's own exceptions."""


class ConfigError(RegateError):
    """A configuration or policy file that cannot be used: which file, where in it, what was expected."""


class Refusal(RegateError):
    """One exchange that ends here; `extra` is added to the error body (reasons, approval_id)."""

    status: int = 500
    code: ClassVar[str] = "internal_error"
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra

    def ask_again_in(self, seconds: float) -> None:
        """Tell the client when it makes sense to send the request again."""
        self.headers = {**self.headers, "retry-after": str(max(1, math.ceil(seconds)))}


class InvalidRequest(Refusal):
    status, code = 400, "invalid_request"


class Unauthenticated(Refusal):
    status, code = 401, "unauthenticated"


class PolicyOutcome(Refusal):
    status, code = 403, "policy_denied"


class PolicyDenied(PolicyOutcome):
    pass


ASK_AGAIN_SECONDS = 30
"""When a client asks again after a request that still waits: people take longer, and asking costs little."""


class ApprovalRequired(PolicyOutcome):
    code = "approval_required"
    headers = MappingProxyType({"retry-after": str(ASK_AGAIN_SECONDS)})


class ApprovalDenied(PolicyOutcome):
    code = "approval_denied"


class ApprovalExpired(PolicyOutcome):
    code = "approval_expired"


class OutOfScope(PolicyOutcome):
    code = "out_of_scope"


class OriginRefused(Refusal):
    status, code = 403, "origin_refused"


class PromptTooLarge(Refusal):
    status, code = 413, "prompt_too_large"


class WebSocketUnsupported(Refusal):
    status, code = 426, "websocket_unsupported"
    headers = MappingProxyType({"upgrade": "HTTP/1.1"})  # what it asks for instead (RFC 9110, 15.5.22)


class TooManyExchanges(Refusal):
    status, code = 429, "too_many_exchanges"


class PolicyError(Refusal):
    status, code = 500, "policy_error"


class PolicyUnavailable(Refusal):
    status, code = 503, "policy_unavailable"


class InspectionFailed(Refusal):
    status, code = 503, "inspection_failed"


class RecordingFailed(Refusal):
    status, code = 503, "recording_failed"


class StateUnavailable(Refusal):
    status, code = 503, "state_unavailable"


class IssuerUnavailable(Refusal):
    status, code = 503, "issuer_unavailable"


class Overloaded(Refusal):
    status, code = 503, "overloaded"


class ShuttingDown(Refusal):
    status, code = 503, "shutting_down"


class UpstreamUnavailable(Refusal):
    status, code = 502, "upstream_unavailable"


class UpstreamUnreadable(Refusal):
    status, code = 502, "upstream_unreadable"

    def of_error(self, status: int, headers: Mapping[str, str]) -> None:
        """Take over the status and the headers of a provider's error, less what may not go down."""
        self.status, self.headers = status, headers


class UpstreamTimeout(Refusal):
    status, code = 504, "upstream_timeout"
