"""Who is calling: by API key, by a signed token, or by a client certificate."""

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
        open_identity,
        presented_key,
    )
    from gateway.identity.key_sets import (
        KeySet,
    )
    from gateway.identity.keys import (
        authenticate,
        create_key,
        key_id,
        replace_key,
    )
    from gateway.identity.scopes import (
        check_limits,
        check_use,
        is_for,
    )
    from gateway.identity.workloads import (
        RevocationLists,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Identity",
    "KeySet",
    "RevocationLists",
    "api_key",
    "authenticate",
    "check_limits",
    "check_names",
    "check_use",
    "create_key",
    "is_for",
    "key_id",
    "open_identity",
    "presented_key",
    "replace_key",
]
