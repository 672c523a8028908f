"""Sealing to Parquet, anchoring, and removal on the record."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.audit.sealing.anchor import (
        last_anchored,
    )
    from gateway.audit.sealing.content import (
        ContentKey,
        DataKey,
        load_content_key,
    )
    from gateway.audit.sealing.removal import (
        ERASED_KINDS,
        Order,
        order_erasure,
    )
    from gateway.audit.sealing.seal import (
        SealingFailed,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "ERASED_KINDS",
    "ContentKey",
    "DataKey",
    "Order",
    "SealingFailed",
    "last_anchored",
    "load_content_key",
    "order_erasure",
]
