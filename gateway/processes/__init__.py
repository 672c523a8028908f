"""Child processes: how they start and end, and the messages on their pipes."""

from gateway.processes.child import (
    kill,
    spawn,
    stop,
)

__all__ = [
    "kill",
    "spawn",
    "stop",
]
