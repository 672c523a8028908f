"""Child processes: how they start and end, and the messages on their pipes."""

from gateway.processes.child import kill, spawn, stop
from gateway.processes.messages import encode_message, read_message, receive_message, write_message

__all__ = ["encode_message", "kill", "read_message", "receive_message", "spawn", "stop", "write_message"]
