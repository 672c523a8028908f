"""Approvals as JSON."""

from __future__ import annotations

import msgspec
import pytest

from gateway.approvals import ContentEntry, NoSuchPage, page_of, rfc3339, to_document, with_contents
from tests.unit.approvals.conftest import Asking

_ENTRY = ContentEntry("text", "user", "/messages/0", "hello")


def test_times_are_utc_to_the_second() -> None:
    """What has not happened is empty."""
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1_800_000_000.9) == "2027-01-15T08:00:00Z"
    assert rfc3339(None) == ""


async def test_an_approval_has_its_contents_until_it_ends(asking: Asking) -> None:
    """After that, the beginning of its summary is left."""
    document = to_document(await asking())
    assert (document["status"], document["decided_at"]) == ("pending", "")
    open_one, ended = with_contents(document, (_ENTRY,)), with_contents(document, None)
    assert (open_one["pages"], open_one["contents"]) == (
        1,
        [msgspec.structs.asdict(_ENTRY)],
    )
    assert (ended["pages"], ended["contents"], ended["summary"]) == (0, [], document["summary"])


@pytest.mark.parametrize("page", [-1, 0, 2])
def test_a_page_that_is_not_there_is_told(page: int) -> None:
    """The message says which are."""
    with pytest.raises(NoSuchPage, match="from 1 to 1"):
        page_of([(_ENTRY,)], page)
