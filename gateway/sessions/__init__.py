"""Sessions and usage: what policy knows of an agent beside the request."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.sessions.session import Scope, Session, Sessions
    from gateway.sessions.usage import Reservation, UsageCounters
    from gateway.sessions.windows import Windows
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Reservation",
    "Scope",
    "Session",
    "Sessions",
    "UsageCounters",
    "Windows",
]
