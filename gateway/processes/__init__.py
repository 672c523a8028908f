"""What the operating system gives: child processes, the messages on their pipes, and files written whole."""

from gateway.processes.child import kill, passed_on, run, running, spawn, stop
from gateway.processes.files import draft, locked, replace, write_new
from gateway.processes.messages import encode_message, read_message, receive_message, write_message

__all__ = [
    "draft", "encode_message", "kill", "locked", "passed_on", "read_message", "receive_message", "replace",
    "run", "running", "spawn", "stop", "write_message", "write_new",
]  # fmt: skip
