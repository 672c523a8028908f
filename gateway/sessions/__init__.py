"""Sessions and usage: what policy knows of an agent beside the request."""

from gateway.sessions.session import Scope, Session, Sessions
from gateway.sessions.usage import UsageCounters

__all__ = [
    "Scope",
    "Session",
    "Sessions",
    "UsageCounters",
]
