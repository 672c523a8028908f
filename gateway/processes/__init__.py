"""What the operating system gives: child processes, the messages on their pipes, and files written whole."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.processes.child import kill, passed_on, run, running, spawn, stop, terminate
    from gateway.processes.files import draft, locked, replace, write_new
    from gateway.processes.messages import encode_message, read_message, receive_message, write_message
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "draft", "encode_message", "kill", "locked", "passed_on", "read_message",
    "receive_message", "replace", "run", "running", "spawn", "stop", "terminate",
    "write_message", "write_new",
]  # fmt: skip
