"""Keys, made and revoked on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.approvals import ApprovalBook
from gateway.audit import Record
from gateway.errors import RecordingFailed
from gateway.oversight import Keyring, NewKey, UnknownKey, local_user
from gateway.state import ApprovalStore, Keys, State, open_state


class Journal:
    def __init__(self) -> None:
        self.codes: list[str] = []
        self.broken = False

    async def record(self, record: Record, /) -> None:
        if self.broken:
            raise RecordingFailed("the disk is full")
        self.codes.append(record.code)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(tmp_path / "regate.db")
    yield state
    state.close()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def keyring(state: State, journal: Journal) -> Keyring:
    return Keyring(Keys(state), ApprovalBook(ApprovalStore(state), journal), journal)


async def test_a_key_is_made_listed_and_revoked(keyring: Keyring, journal: Journal) -> None:
    """It is shown when it is made, and never again."""
    made = await keyring.create(local_user(), NewKey("coder", "alice"))
    assert made["key"].startswith("rg_")
    (listed,) = await keyring.list()
    assert (listed["id"], listed["status"], "key" in listed) == (made["id"], "active", False)
    revoked = await keyring.revoke(local_user(), made["id"])
    assert (revoked["status"], revoked["cancelled_approvals"]) == ("revoked", 0)
    with pytest.raises(UnknownKey):
        await keyring.revoke(local_user(), made["id"])
    assert journal.codes == ["key_created", "key_revoked"]


async def test_without_a_record_no_key_is_handed_out_and_revoking_still_ends_one(
    keyring: Keyring, journal: Journal
) -> None:
    """Authority is taken away first, and given last."""
    made = await keyring.create(local_user(), NewKey("coder", "alice"))
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await keyring.create(local_user(), NewKey("other", "alice"))
    with pytest.raises(RecordingFailed, match="is revoked, but that is not recorded"):
        await keyring.revoke(local_user(), made["id"])
    assert {key["status"] for key in await keyring.list()} == {"revoked"}


async def test_a_visit_lasts_as_long_as_its_key_and_itself(keyring: Keyring) -> None:
    """Ending it leaves the key alone."""
    made = await keyring.create(local_user(), NewKey("bob", "bob", role="approver"))
    assert await keyring.live(made["id"], "v1") is not None
    await keyring.end_visit("v1", 4_000_000_000)
    assert await keyring.live(made["id"], "v1") is None
    assert await keyring.live(made["id"], "v2") is not None


def test_a_misspelt_bound_of_a_key_is_no_key_without_bounds() -> None:
    asked = b'{"agent": "a", "owner": "b", "scope": {"provider": ["openai"]}}'
    with pytest.raises(msgspec.ValidationError, match="unknown field `provider`"):
        msgspec.json.decode(asked, type=NewKey)


async def test_a_key_that_is_replaced_goes_on_where_its_successor_cannot_be_recorded(
    keyring: Keyring, journal: Journal
) -> None:
    made = await keyring.create(local_user(), NewKey("coder", "alice"))
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await keyring.rotate(local_user(), made["id"], 60)
    assert [(key["status"], key["expires_at"]) for key in await keyring.list()] == [
        ("active", ""),
        ("revoked", ""),
    ]
