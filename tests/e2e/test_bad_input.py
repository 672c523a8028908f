"""Bad requests: the right status and code, nothing forwarded, and a record of each."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from tests.support.asking import PATHS, Family, bearer, body_of, post, raw, refusal
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.values import EMAIL

MALFORMED = (400, "invalid_request")
DENIED = (403, "policy_denied")
LIMIT = 1024 * 1024  # bytes, as `governed` is configured
Compress = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def nothing_forwarded(provider: FakeProvider) -> Iterator[None]:
    """Whatever a test here sends, the provider gets nothing of it."""
    yield
    assert provider.received() == []


def assert_refused(gateway: GatewayProcess, answer: httpx.Response, expected: tuple[int, str]) -> None:
    """The answer is this refusal, without a traceback, and the record that closes the exchange agrees."""
    assert refusal(answer) == expected, answer.text
    assert "Traceback" not in answer.text
    record = gateway.closing(answer.headers["x-regate-exchange-id"])
    assert (record["kind"], record["status"], record["code"]) == ("refusal", *expected)


@pytest.mark.parametrize("family", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"model": "echo"', id="truncated"),
        pytest.param(b"{'model': 'echo'}", id="single quotes"),
        pytest.param(b'{"model": "echo", "model": "other", "messages": []}', id="duplicate key"),
        pytest.param(b'{"model": "echo", "messages": [{"role": "user", "role": "x"}]}', id="duplicate below"),
        pytest.param(b'{"model": "echo", "m\\u006fdel": "other"}', id="duplicate key by escape"),
        pytest.param(b'{"model": "echo", "temperature": NaN}', id="NaN"),
        pytest.param(b'{"model": "echo", "temperature": -Infinity}', id="infinity"),
        pytest.param(b'{"model": "echo", "temperature": 1e400}', id="1e400"),
        pytest.param(b'{"model": "echo", "x": ' + b"7" * 5000 + b"}", id="huge integer"),
        pytest.param(b'{"model": "echo", "x": "\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"model": "echo", "\\udfff": 1}', id="lone surrogate in a key"),
        pytest.param(b'{"model": "echo", "x": "\xed\xa0\x80"}', id="encoded surrogate"),
        pytest.param(b'{"model": "echo", "x": "\xff"}', id="invalid UTF-8"),
        pytest.param(b'{"model": "echo", "x": "\xc0\xaf"}', id="overlong UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + b'{"model": "echo"}', id="byte order mark"),
        pytest.param('{"model": "echo"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"model": "echo"} {"model": "other"}', id="two documents"),
        pytest.param(b'{"model": "echo", "x": "a\x00b"}', id="control character"),
        pytest.param(b'{"x": ' + b"[" * 101 + b"]" * 101 + b"}", id="deep nesting"),
        pytest.param(b"[" * 100_000, id="very deep nesting"),
        pytest.param(b'{"model": "echo", "x": 01}', id="leading zero"),
        pytest.param(b'{"model": "echo", /* comment */ "x": 1}', id="comment"),
    ],
)
def test_malformed_json_is_refused(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, family: Family, body: bytes
) -> None:
    answer = post(http, governed, keys.agents["default"], body, family=family)

    assert_refused(governed, answer, MALFORMED)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"7"])
def test_json_that_is_no_object_names_no_model_so_no_list_lets_it_pass(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, body: bytes
) -> None:
    answer = post(http, governed, keys.agents["one-model"], body)

    assert refusal(answer) in (MALFORMED, DENIED)


def test_a_body_over_the_limit_is_refused_by_its_announced_length(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    answer = post(http, governed, keys.agents["default"], body_of("openai", "echo", "x" * LIMIT))

    assert_refused(governed, answer, (413, "prompt_too_large"))


def test_a_body_over_the_limit_is_refused_when_its_length_is_not_announced(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"model": "echo", "x": "'
        for _ in range(20):
            yield b"x" * 65536

    headers = {"content-type": "application/json", **bearer(keys.agents["default"])}
    answer = http.post(f"{governed.url}/{PATHS['openai']}", content=pieces(), headers=headers)

    assert_refused(governed, answer, (413, "prompt_too_large"))


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", partial(brotli.compress, quality=1)),
        ("zstd", zstandard.compress),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    ],
    ids=["gzip", "deflate", "br", "zstd", "gzip twice"],
)
def test_a_compressed_bomb_is_refused(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, encoding: str, compress: Compress
) -> None:
    compressed = compress(b'{"model": "echo", "x": "' + b" " * (64 * LIMIT) + b'"}')
    assert len(compressed) < LIMIT
    headers = {"content-encoding": encoding}
    answer = post(http, governed, keys.agents["default"], compressed, headers=headers)

    assert_refused(governed, answer, (413, "prompt_too_large"))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"model": "echo"}')[:-4]),
        ("gzip", b'{"model": "echo"}'),
        ("gzip", gzip.compress(b"{}") + gzip.compress(b'{"model": "echo"}')),
        ("br", b"\x00\x01\x02"),
        ("zstd", zstandard.compress(b'{"model": "echo"}')[:-3]),
        ("compress", b'{"model": "echo"}'),
        ("gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(b'{"model": "echo"}')))),
    ],
    ids=[
        "truncated",
        "not gzip",
        "two members",
        "not br",
        "truncated zstd",
        "unknown coding",
        "three codings",
    ],
)
def test_a_body_that_cannot_be_decompressed_is_refused(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, encoding: str, body: bytes
) -> None:
    answer = post(http, governed, keys.agents["default"], body, headers={"content-encoding": encoding})

    assert_refused(governed, answer, MALFORMED)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", ""]
)
def test_a_content_type_that_no_parser_knows_is_refused_by_policy(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, content_type: str
) -> None:
    body = body_of("openai", "echo", f"to {EMAIL}")
    answer = post(http, governed, keys.agents["default"], body, headers={"content-type": content_type})

    assert_refused(governed, answer, DENIED)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "openai/v1/ocr", {"model": "echo", "input": "x"}),
        ("POST", "openai/v1/vector_stores", {"name": "x"}),
        ("POST", "openai/v1/messages", {"model": "echo", "messages": []}),
        ("POST", "anthropic/v1/chat/completions", {"model": "echo", "messages": []}),
        ("POST", "openai/v1/chat/completionsx", {"model": "echo", "messages": []}),
        ("PUT", "openai/v1/chat/completions", {"model": "echo", "messages": []}),
        ("GET", "openai/v1/files", None),
        ("DELETE", "openai/v1/assistants/asst-x", None),
        ("POST", "openai/v1/chat/completions", None),
    ],
)
def test_an_endpoint_that_no_parser_knows_is_refused_by_policy(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, method: str, path: str, body: Any
) -> None:
    answer = http.request(method, f"{governed.url}/{path}", json=body, headers=bearer(keys.agents["default"]))

    assert_refused(governed, answer, DENIED)


@pytest.mark.parametrize("name", ["nobody", "OpenAI", "openai.", ""])
def test_a_provider_that_is_not_configured_is_refused(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, name: str
) -> None:
    path = f"{name}/v1/chat/completions"
    answer = post(http, governed, keys.agents["default"], body_of("openai", "echo", "hello"), path=path)

    assert_refused(governed, answer, MALFORMED)


def test_a_provider_without_its_credential_is_disabled_and_only_it(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    path = "unset/v1/chat/completions"
    answer = post(http, governed, keys.agents["default"], body_of("openai", "echo", "hello"), path=path)

    assert refusal(answer) == (502, "upstream_unavailable")
    assert "NOBODY_SET_THIS" in governed.log()


@pytest.mark.parametrize("family", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"authorization": "Bearer"}, id="empty"),
        pytest.param({"authorization": "Bearer sk-not-of-ours"}, id="foreign"),
        pytest.param(bearer("rg_aaaaaaaaaaaa_" + "a" * 52), id="unknown"),
        pytest.param({"authorization": "Basic dXNlcjpwYXNz"}, id="basic"),
        pytest.param({"x-api-key": "rg_short"}, id="short"),
    ],
)
def test_an_unknown_key_is_refused(
    governed: GatewayProcess, http: httpx.Client, family: Family, headers: dict[str, str]
) -> None:
    url = f"{governed.url}/{PATHS[family]}"
    answer = http.post(url, json=body_of(family, "echo", "hello"), headers=headers)

    assert_refused(governed, answer, (401, "unauthenticated"))
    for value in headers.values():
        secret = value.rpartition(" ")[2]
        assert secret == "Bearer" or secret not in answer.text


@pytest.mark.parametrize("who", ["expired", "approver", "auditor", "themselves"])
def test_an_expired_key_or_a_persons_key_does_not_open_the_data_path(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, who: str
) -> None:
    answer = post(http, governed, keys.people[who], body_of("openai", "echo", "hello"))

    assert_refused(governed, answer, (401, "unauthenticated"))


def test_a_key_with_another_secret_is_refused(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    key = keys.agents["default"]
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")
    both = {"x-api-key": keys.agents["denies"]}

    for answer in (
        post(http, governed, forged, body_of("openai", "echo", "hello")),
        post(http, governed, key, body_of("openai", "echo", "hello"), headers=both),
    ):
        assert_refused(governed, answer, (401, "unauthenticated"))


def test_a_key_that_may_not_delegate_names_nobody(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    headers = {"x-regate-on-behalf-of": "someone"}
    answer = post(http, governed, keys.agents["default"], body_of("openai", "echo", "hello"), headers=headers)

    assert_refused(governed, answer, (401, "unauthenticated"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/chat/completions",
        "/v1/./chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1/.%2e/chat/completions",
        "/v1//chat/completions",
        "//v1/chat/completions",
        "/v1%2fchat/completions",
        "/v1%2Fchat%2fcompletions",
        "/v1/chat%5ccompletions",
        "/v1/chat\\completions",
        "/v1/chat/completions%00",
        "/v1/chat/completions%0d%0aX-Y:%20z",
        "/v1/%252e%252e/chat/completions",
        "/v1/chat/%ff%fe",
        "/v1/chat/%zz",
        "/v1/chat/completions%3fapi-version=1",
        "/v1/chat/completions;x=1/..;/y",
    ],
)
def test_a_path_that_two_servers_could_read_differently_is_refused(
    governed: GatewayProcess, keys: Keyring, path: str
) -> None:
    body = json.dumps(body_of("openai", "echo", "hello")).encode()
    headers = {"content-type": "application/json", **bearer(keys.agents["default"])}
    status, answered, content = raw(governed, "POST", f"/openai{path}", headers, body)

    assert (status, json.loads(content)["error"]["code"]) == MALFORMED
    assert governed.closing(answered["x-regate-exchange-id"])["code"] == "invalid_request"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_no_provider_takes_is_refused(
    governed: GatewayProcess, keys: Keyring, method: str
) -> None:
    status, _, _ = raw(governed, method, "/openai/v1/models", bearer(keys.agents["default"]))

    assert status == 400


@pytest.mark.parametrize("query", ["%ff", "after=%c0%af"])
def test_a_query_that_cannot_be_read_is_refused(governed: GatewayProcess, keys: Keyring, query: str) -> None:
    status, _, content = raw(governed, "GET", f"/openai/v1/models?{query}", bearer(keys.agents["default"]))

    assert (status, json.loads(content)["error"]["code"]) == MALFORMED


@pytest.mark.parametrize(
    "target",
    [
        f"/openai/v1/models?after={EMAIL}",
        "/openai/v1/models/jane.roe%40acme.org",
        f"/openai/v1/models?x={EMAIL}",
    ],
)
def test_a_value_in_the_address_cannot_be_masked_so_it_is_refused(
    governed: GatewayProcess, keys: Keyring, target: str
) -> None:
    status, answered, content = raw(governed, "GET", target, bearer(keys.agents["default"]))

    assert (status, json.loads(content)["error"]["code"]) == DENIED
    record = governed.closing(answered["x-regate-exchange-id"])
    assert EMAIL not in str(record)
    assert EMAIL not in content.decode()


def test_a_request_that_is_not_http_is_not_answered_by_anything_else(governed: GatewayProcess) -> None:
    with pytest.raises(httpx.HTTPError), httpx.Client(timeout=5, trust_env=False) as client:
        client.get(governed.url.replace("http://", "https://"))


def test_refusals_are_found_with_sql_from_another_process(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client
) -> None:
    answers = [
        post(http, governed, keys.agents["default"], b"{"),
        post(http, governed, "rg_nobody", body_of("openai", "echo", "hello")),
        post(http, governed, keys.agents["one-model"], body_of("openai", "echo", "hello")),
    ]
    for answer in answers:
        governed.closing(answer.headers["x-regate-exchange-id"])
    ids = ", ".join(f"'{answer.headers['x-regate-exchange-id']}'" for answer in answers)
    sql = f"select code, status, agent from exchanges where exchange_id in ({ids}) order by status"
    rows = json.loads(governed.run("audit", "sql", sql, "--format", "json"))

    assert [(row["code"], row["status"], row["agent"]) for row in rows] == [
        ("invalid_request", 400, "agent-default"),
        ("unauthenticated", 401, None),
        ("policy_denied", 403, "agent-one-model"),
    ]
