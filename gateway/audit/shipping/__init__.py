"""Shipping evidence as it is recorded: to OTLP, syslog and HTTP, each record at least once."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.shipping.keeper import keep_shipping, only_shipper
    from gateway.audit.shipping.shipper import Shipper, ship
    from gateway.audit.shipping.state import Standing, standings
else:
    __getattr__ = on_demand(__name__)

__all__ = ["Shipper", "Standing", "keep_shipping", "only_shipper", "ship", "standings"]
