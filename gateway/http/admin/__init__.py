"""The JSON API for operators and their scripts, under `/admin/v1`."""

from gateway.http.admin.api import admin_routes

__all__ = ["admin_routes"]
