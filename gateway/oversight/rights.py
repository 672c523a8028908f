"""Which role may do what, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gateway.errors import RegateError
from gateway.state import KeyRow, Role

# `own_approvals`: read those that the same agent and owner asked for.
Right = Literal["own_approvals", "approvals", "decide", "evidence", "policy", "bundles", "keys", "tools"]

_RIGHTS: Mapping[Role, tuple[Right, ...]] = {
    "agent": ("own_approvals",),
    "approver": ("approvals", "decide"),
    "auditor": ("evidence", "policy", "bundles"),
    "admin": ("approvals", "decide", "evidence", "policy", "bundles", "keys", "tools"),
    "opa": ("bundles",),
}


class Forbidden(RegateError):
    """The key is a good one, but its role may not do this."""


def rights_of(key: KeyRow) -> tuple[Right, ...]:
    """Return what the key's role may do; a role that is not in the table may do nothing."""
    return _RIGHTS.get(key.role, ())


def require(key: KeyRow, right: Right) -> None:
    """Raise Forbidden unless the key's role has the right."""
    if right not in rights_of(key):
        roles = " or ".join(role for role, rights in _RIGHTS.items() if right in rights)
        raise Forbidden(f"this key has role {key.role}; expected {roles}")
