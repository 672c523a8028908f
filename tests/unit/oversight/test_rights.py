"""Which role may do what."""

from __future__ import annotations

import pytest

from gateway.oversight import Forbidden, require, rights_of
from gateway.state import KeyRow, Role


def key(role: Role) -> KeyRow:
    return KeyRow("k1", b"", "coder", "alice", ("default",), role, False, 0)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("agent", {"own_approvals"}),
        ("approver", {"approvals", "decide"}),
        ("auditor", {"evidence", "policy", "bundles"}),
        ("admin", {"approvals", "decide", "evidence", "policy", "bundles", "keys", "tools"}),
        ("opa", {"bundles"}),
    ],
)
def test_a_role_has_its_rights_and_no_other(role: Role, rights: set[str]) -> None:
    """The table in full."""
    assert set(rights_of(key(role))) == rights


def test_a_missing_right_is_refused_with_the_roles_that_have_it() -> None:
    """A role that is not in the table has none."""
    with pytest.raises(Forbidden, match="role agent; expected auditor or admin"):
        require(key("agent"), "evidence")
    assert rights_of(key("unheard_of")) == ()  # type: ignore[arg-type]  # a row of a newer version
    require(key("admin"), "keys")
