"""`regate sessions`: what agents did, conversation by conversation."""

from cli.sessions.sessions import app

__all__ = ["app"]
