"""Large whole answers go down compressed to callers that take it, and say what they said."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncGenerator

import pytest

from gateway.exchange import Answer
from gateway.http.compression import compressed, takes_gzip

LARGE = json.dumps({"text": "word " * 4000}).encode()
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("deflate", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_caller_says_what_it_takes(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


async def test_a_large_answer_is_compressed_and_says_the_same() -> None:
    answer = await compressed(Answer(200, JSON, LARGE), "gzip")
    assert isinstance(answer.body, bytes)
    assert len(answer.body) < len(LARGE) / 10
    assert gzip.decompress(answer.body) == LARGE
    assert answer.headers == {**JSON, "content-encoding": "gzip", "vary": "accept-encoding"}
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "body", "accepted"),
    [
        (JSON, LARGE, "br"),
        (JSON, LARGE[:8191], "gzip"),
        ({"content-type": "audio/mpeg"}, LARGE, "gzip"),
        ({}, LARGE, "gzip"),
        ({**JSON, "content-encoding": "br"}, LARGE, "gzip"),
    ],
)
async def test_other_answers_go_as_they_are(headers: dict[str, str], body: bytes, accepted: str) -> None:
    answer = Answer(200, headers, body)
    assert await compressed(answer, accepted) is answer


async def test_a_stream_goes_as_it_is() -> None:
    async def events() -> AsyncGenerator[bytes]:
        yield LARGE

    answer = Answer(200, JSON, events())
    assert await compressed(answer, "gzip") is answer
