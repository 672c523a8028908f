"""Messages on the pipes to child processes."""

import asyncio
import io

import pytest

from gateway.processes import encode_message, read_message, receive_message, write_message


def test_messages_come_back_one_by_one() -> None:
    pipe = io.BytesIO()
    for body in (b"first", b"", b"second"):
        write_message(pipe, body)
    pipe.seek(0)
    assert [read_message(pipe) for _ in range(4)] == [b"first", b"", b"second", None]


@pytest.mark.parametrize("cut", [2, 4, 6])
def test_a_message_that_is_cut_off_is_none(cut: int) -> None:
    assert read_message(io.BytesIO(encode_message(b"text")[:cut])) is None


async def test_a_message_over_the_limit_is_refused() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(encode_message(b"text") + encode_message(b"a longer text"))
    assert await receive_message(stream, 4) == b"text"
    with pytest.raises(ValueError, match="over the limit"):
        await receive_message(stream, 4)
