"""The bodies of people's requests, as the server hands them over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect, Request

from gateway.oversight import BodyTooLarge, BodyTooLate, bodies, read_body
from gateway.oversight.bodies import BODY_BYTES


def arriving(*chunks: bytes, ended: bool = True, length: str | None = None) -> Request:
    """A request whose body arrives in these chunks; one that has not ended goes on waiting."""
    headers = [] if length is None else [(b"content-length", length.encode())]
    messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    for chunk in chunks:
        messages.put_nowait({"type": "http.request", "body": chunk, "more_body": True})
    if ended:
        messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    return Request({"type": "http", "headers": headers}, messages.get)


@pytest.mark.parametrize("chunks", [(), (b"one",), (b"one", b"two"), (bytes(BODY_BYTES),)])
async def test_a_body_is_read_to_its_end(chunks: Sequence[bytes]) -> None:
    assert await read_body(arriving(*chunks)) == b"".join(chunks)


@pytest.mark.parametrize("length", [str(BODY_BYTES + 1), "-1", "many"])
async def test_a_length_that_cannot_be_is_refused_before_a_byte_is_read(length: str) -> None:
    """Nothing arrives here: a reader that waited for the first chunk would be late instead."""
    with pytest.raises(BodyTooLarge, match="over 65536 bytes"):
        await read_body(arriving(ended=False, length=length))


async def test_a_body_that_grows_beyond_the_limit_is_refused_whatever_it_announced() -> None:
    """It is refused with its end still to come."""
    with pytest.raises(BodyTooLarge):
        await read_body(arriving(bytes(BODY_BYTES), b"x", ended=False, length="10"))


async def test_a_body_that_does_not_end_is_not_awaited_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    with pytest.raises(BodyTooLate, match=r"did not arrive in 0\.05 s"):
        await read_body(arriving(b"a beginning", ended=False))


async def test_a_client_that_leaves_is_told_apart_from_a_body_that_is_late() -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await read_body(Request({"type": "http", "headers": []}, gone))
