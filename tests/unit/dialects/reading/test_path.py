"""A path means one thing or is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.path import decoded, endpoint, normalize
from gateway.errors import InvalidRequest


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", ""),
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
    assert normalize(quote(path, safe="/%").encode()) == path
    assert ".." not in decoded(path).split("/")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/v1/models/meta-llama%2FLlama-3%3Afree", "/v1/models/meta-llama%2FLlama-3:free"),
        (b"/v1beta/models/a%2fb:generateContent", "/v1beta/models/a%2Fb:generateContent"),
        (b"/openai/deployments/a%2Fb/chat/completions", "/openai/deployments/a%2Fb/chat/completions"),
    ],
)
def test_a_models_name_keeps_its_encoded_slashes(raw: bytes, path: str) -> None:
    assert normalize(raw) == path
    assert decoded(path) == path.replace("%2F", "/")


@pytest.mark.parametrize(
    "name", [b"..%2Fx", b"a%2F..", b"a%2F%2Fb", b"%2Fa", b"a%252Fb", b"a/b%2Fc", b"a%2F..;x%2Fb"]
)
def test_no_encoded_slash_hides_a_segment(name: bytes) -> None:
    with pytest.raises(InvalidRequest):
        normalize(b"/v1/models/" + name)


def test_an_endpoint_is_known_by_its_decoded_path_without_a_slash_at_its_end() -> None:
    assert endpoint("/v1/models/a%2Fb/") == "/v1/models/a/b"
    assert (endpoint("/"), endpoint("")) == ("/", "")
