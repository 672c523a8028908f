"""The web pages for people under `/console`: plain HTML that works without JavaScript."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.http.console.console import console_routes, sign_in_path
else:
    __getattr__ = on_demand(__name__)

__all__ = ["console_routes", "sign_in_path"]
