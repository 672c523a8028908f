"""Engines that evaluate policy: OPA beside the gateway or elsewhere, and an embedded one."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.policy.engine.builtins import (
        REFUSED,
        WHY,
        explained,
        offline,
        restricted,
    )
    from gateway.policy.engine.embedded import (
        Embedded,
        embedded_available,
    )
    from gateway.policy.engine.lanes import (
        Engine,
        Lane,
        open_lanes,
    )
    from gateway.policy.engine.sidecar import (
        Sidecar,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "REFUSED",
    "WHY",
    "Embedded",
    "Engine",
    "Lane",
    "Sidecar",
    "embedded_available",
    "explained",
    "offline",
    "open_lanes",
    "restricted",
]
