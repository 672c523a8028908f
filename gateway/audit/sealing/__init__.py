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
    from gateway.audit.sealing.orders import (
        ERASED_KINDS,
        LegalHold,
        Order,
        Target,
        holds_in_force,
        new_order_id,
        order_erasure,
        read_seal_lines,
        sign_hold,
    )
    from gateway.audit.sealing.seal import (
        SealingFailed,
    )
    from gateway.audit.sealing.timestamp import (
        load_authorities,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "ERASED_KINDS",
    "ContentKey",
    "DataKey",
    "LegalHold",
    "Order",
    "SealingFailed",
    "Target",
    "holds_in_force",
    "last_anchored",
    "load_authorities",
    "load_content_key",
    "new_order_id",
    "order_erasure",
    "read_seal_lines",
    "sign_hold",
]
