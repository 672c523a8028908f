"""What operators watch: metrics, traces and logs."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.observe.logs import configure as configure_logs
    from gateway.observe.metrics import (
        Metrics,
        forget_worker,
    )
    from gateway.observe.telemetry import (
        Telemetry,
        open_telemetry,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Metrics",
    "Telemetry",
    "configure_logs",
    "forget_worker",
    "open_telemetry",
]
