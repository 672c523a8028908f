"""The JSON API for operators and their scripts, under `/admin/v1`."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.http.admin.api import admin_routes
else:
    __getattr__ = on_demand(__name__)

__all__ = ["admin_routes"]
