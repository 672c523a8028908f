"""The web pages for people under `/console`: plain HTML that works without JavaScript."""

from gateway.http.console.console import console_routes

__all__ = ["console_routes"]
