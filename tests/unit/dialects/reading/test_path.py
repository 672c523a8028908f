"""A path means one thing or is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.path import normalize
from gateway.errors import InvalidRequest


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        (b"/v1/models/gpt-4o%3Alatest", "/v1/models/gpt-4o:latest"),
        (b"/v1/%63hat/completions", "/v1/chat/completions"),
        (b"/v1/models/", "/v1/models/"),
        ("/modèles/é".encode(), "/modèles/é"),
        (b"/a/.well-known/..x", "/a/.well-known/..x"),
    ],
)
def test_a_path_is_decoded_once(raw: bytes, path: str) -> None:
    assert normalize(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"v1",
        b"//v1",
        b"/v1//chat",
        b"/v1/../admin",
        b"/v1/./chat",
        b"/v1/..",
        b"/v1/%2e%2e/admin",
        b"/v1/.%2E/admin",
        b"/v1/..;/admin",
        b"/v1/..;x=1/admin",
        b"/v1%2fchat",
        b"/v1%2Fchat",
        b"/v1%5cchat",
        b"/v1\\chat",
        b"/v1/%00",
        b"/v1/%0d%0aX: y",
        b"/v1/%7f",
        b"/v1/%ff",
        b"/v1/\xff",
        b"/v1/%C2%85",
        b"/v1/%E2%80%AE",
        b"/v1/%252e%252e",
        b"/v1/%25",
        b"/v1/%",
        b"/v1/%4",
        b"/v1/%zz",
        b"/v1/a%3Fb=c",
        b"/v1/a%23b",
        b"/v1/a?b",
    ],
)
def test_what_two_servers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        normalize(raw)


@given(st.binary().map(lambda tail: b"/" + tail))
def test_a_normalised_path_normalises_to_itself(raw: bytes) -> None:
    try:
        path = normalize(raw)
    except InvalidRequest:
        return
    assert normalize(quote(path).encode()) == path
    assert ".." not in path.split("/")
