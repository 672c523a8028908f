"""Who is calling: API keys, how they are made and how a caller is known by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.identity.headers import (
        api_key,
        check_names,
    )
    from gateway.identity.identity import (
        Identity,
        presented_key,
    )
    from gateway.identity.keys import (
        authenticate,
        create_key,
        key_id,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Identity",
    "api_key",
    "authenticate",
    "check_names",
    "create_key",
    "key_id",
    "presented_key",
]
