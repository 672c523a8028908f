"""Signatures are those of botocore, byte by byte, whatever is asked."""

from __future__ import annotations

import datetime
from urllib.parse import quote, urlencode

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.upstream import NotSent
from gateway.upstream.sigv4 import AwsKeys, Signature

AT = 1795871234.5
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
SEGMENTS = st.lists(TEXT.filter(lambda text: text not in ("", ".", "..")), min_size=1, max_size=4)
NAMES = st.sampled_from(
    [
        "content-type",
        "x-amzn-bedrock-trace",
        "x-amzn-bedrock-request-metadata",
        "accept",
        "user-agent",
        "x-other",
    ]
)


def of_botocore(keys: AwsKeys, method: str, url: str, headers: dict[str, str], body: bytes) -> str:
    """Return the header that botocore makes of the same request."""
    credentials = Credentials(keys.access_key, keys.secret_key, keys.session_token or None)
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    botocore.auth.SigV4Auth(credentials, "bedrock", "eu-central-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.datetime.fromtimestamp(AT, datetime.UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    segments=SEGMENTS,
    safe=st.sampled_from(["", ":", ":@!$&'()*+,;=~"]),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    headers=st.dictionaries(NAMES, TEXT.map(lambda text: text.strip() or "a  b"), max_size=4),
    body=st.binary(max_size=64),
    token=st.sampled_from(["", "IQoJb3JpZ2luX2VjE+/="]),
    host=st.sampled_from(["bedrock-runtime.eu-central-1.amazonaws.com", "127.0.0.1:8080"]),
)
def test_every_signature_is_that_of_botocore(
    method: str,
    segments: list[str],
    safe: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    token: str,
    host: str,
) -> None:
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    path = "/" + "/".join(quote(segment, safe=safe) for segment in segments)
    said = urlencode(query, quote_via=quote, safe="")
    signature = Signature(lambda: keys, "eu-central-1", "bedrock", now=lambda: AT)
    ours = signature.headers(method, host, path, said, headers, body)
    signed = {
        name: text for name, text in headers.items() if name == "content-type" or name.startswith("x-amz")
    }
    url = f"http://{host}{path}{'?' if said else ''}{said}"
    assert ours["authorization"] == of_botocore(keys, method, url, signed, body)
    assert ours.get("x-amz-security-token", "") == token


def test_keys_are_read_again_each_second_and_nothing_is_signed_without_them() -> None:
    clock, read = [0.0], [AwsKeys("a", "b"), AwsKeys("c", "d"), None, AwsKeys("e", "f")]
    signature = Signature(lambda: read.pop(0), "r", "s", now=lambda: clock[0])
    assert signature.keys == AwsKeys("a", "b")
    clock[0] = 2
    assert signature.keys == AwsKeys("c", "d")
    clock[0] = 4
    with pytest.raises(NotSent):
        signature.headers("POST", "h", "/", "", {}, b"")
    assert signature.keys == AwsKeys("e", "f")
