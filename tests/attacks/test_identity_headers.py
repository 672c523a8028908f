"""Who calls, and where a request ends, has one reading: what two servers read differently is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.support.gateway import GatewayProcess
from tests.support.hostile import PATH, ask, chunked, connect, head, heard, prompt, status, worker

CLOSE = "connection: close"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: inner\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with worker(tmp_path_factory.mktemp("identity")) as running:
        yield running


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana", delegate=True)


@pytest.fixture(scope="module")
def other(gateway: GatewayProcess) -> str:
    return gateway.create_key("other", "bob")


@pytest.fixture(scope="module")
def admin(gateway: GatewayProcess) -> str:
    return gateway.create_key("admin", "eve", role="admin")


def post(gateway: GatewayProcess, *fields: str, line: str = f"POST {PATH} HTTP/1.1") -> bytes:
    body = prompt()
    return ask(gateway, head(f"content-length: {len(body)}", CLOSE, *fields, line=line) + body)


def pairs(one: str, two: str) -> list[tuple[str, str]]:
    """Every way to present two keys in one request, two equal ones included."""
    bearer, key = "authorization: Bearer {}", "x-api-key: {}"
    made = [
        (a.format(x), b.format(y))
        for a in (bearer, key)
        for b in (bearer, key)
        for x, y in ((one, two), (two, one), (one, one))
    ]
    return [(a, b) for a, b in made if not (one in a and one in b and a[:5] != b[:5])]


def test_two_credentials_do_not_choose_an_agent(gateway: GatewayProcess, key: str, other: str) -> None:
    """Two keys of different agents, and one kind of credential twice, name no agent."""
    for first, second in pairs(key, other):
        assert status(post(gateway, first, second)) == 401, (first[:12], second[:12])


def test_two_credentials_do_not_choose_a_person(gateway: GatewayProcess, admin: str, key: str) -> None:
    """The admin API and the bundles read the same headers as the data path."""
    for line in ("GET /admin/v1/keys HTTP/1.1", "GET /bundles/active.tar.gz HTTP/1.1"):
        for first, second in pairs(admin, key):
            assert status(ask(gateway, head(CLOSE, first, second, line=line))) == 401


@pytest.mark.parametrize(
    "fields",
    [
        ("x-regate-on-behalf-of: ana", "x-regate-on-behalf-of: bob"),
        ("x-regate-on-behalf-of: ana", "X-Regate-On-Behalf-Of: ana"),
        ("x_regate_on_behalf_of: bob",),
        ("X-Regate_On-Behalf-Of: bob",),
        ("x-regate-session: a", "x-regate-session: b"),
        ("x_regate_session: a",),
        ("content-type: text/plain",),  # a second one
        ("host: another",),  # a second one
        ("content-length: 3",),  # a second one
        ("transfer-encoding: chunked",),  # beside a length
    ],
    ids=" and ".join,
)
def test_a_header_that_decides_is_given_once_and_in_its_own_name(
    gateway: GatewayProcess, key: str, fields: tuple[str, ...]
) -> None:
    """No second spelling and no second value names an end user, a session or a body."""
    assert status(post(gateway, f"authorization: Bearer {key}", *fields)) == 400


@pytest.mark.parametrize("name", ["x_api_key", "Authorization_", "proxy_authorization", "x.api.key"])
def test_a_look_alike_of_a_credential_is_none(gateway: GatewayProcess, key: str, name: str) -> None:
    """A name that another server may take for a credential does not authenticate."""
    assert status(post(gateway, f"{name}: {key}")) == 401


@pytest.mark.parametrize(
    "field",
    [
        "x-api-key : {key}",
        "x-api-key\t: {key}",
        "x-other: 1\r\n x-api-key: {key}",
        "x-other: 1\r\n\tx-api-key: {key}",
        "x-other: 1\rx-api-key: {key}",
        "x-other: 1\nx-api-key: {key}",
        "x-api-key: {key}\x00",
        "x-api-key: \x01{key}",
        "x-api-key: {key}\x7f",
        "x-api-key: {key}\x85",
        "x-api-key: \xa0{key}",
        "api-key: {key}\x85",
        "x-goog-api-key: \xa0{key}",
        "x-api-k\xe9y: {key}",
        ": {key}",
    ],
    ids=repr,
)
def test_a_malformed_field_does_not_authenticate(gateway: GatewayProcess, key: str, field: str) -> None:
    """Spaces around names, folded lines, bare line ends and control characters are refused."""
    assert status(post(gateway, field.format(key=key))) in (400, 401)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("content-length: 5", "content-length: 5"), b"hello"),
        (("content-length: 5, 5",), b"hello"),
        (("content-length: +5",), b"hello"),
        (("content-length: 0x5",), b"hello"),
        (("content-length: -1",), b""),
        (("content-length: 99999999999999999999",), b""),
        (("transfer-encoding: chunked", "content-length: 4"), b"0\r\n\r\n"),
        (("content-length: 4", "transfer-encoding: chunked"), b"0\r\n\r\n"),
        (("transfer-encoding: gzip, chunked",), b"0\r\n\r\n"),
        (("transfer-encoding: chunked, chunked",), b"0\r\n\r\n"),
        (("transfer-encoding: chunked", "transfer-encoding: chunked"), b"0\r\n\r\n"),
        (("transfer-encoding: identity",), b""),
        (("transfer-encoding: xchunked",), b"0\r\n\r\n"),
        (("transfer-encoding:\x0bchunked",), b"0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"5 \r\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"5\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"0x5\r\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"-5\r\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"5\r\nhelloXX0\r\n\r\n"),
        (("connection: upgrade", "upgrade: h2c, websocket", f"content-length: {len(SMUGGLED)}"), b""),
        (("connection: upgrade", "upgrade: h2c\r\n websocket", "transfer-encoding: chunked"), b""),
        (("connection: upgrade", "upgrade: websocket", f"content-length: {len(SMUGGLED)}"), b""),
    ],
    ids=repr,
)
def test_no_second_request_hides_in_a_body(
    gateway: GatewayProcess, key: str, fields: tuple[str, ...], body: bytes
) -> None:
    """Where two servers could disagree on where a request ends, it is refused and the connection closes."""
    answer = ask(gateway, head(*fields, key=key) + body + SMUGGLED * 2)

    assert status(answer) in (400, 401)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_the_body_behind_an_offer_of_http2_is_a_body(gateway: GatewayProcess, key: str, step: int) -> None:
    """Java's client offers HTTP/2 with each request: the offer is ignored, and its body hides no request."""
    fields = ("connection: close, Upgrade, HTTP2-Settings", "http2-settings: AAEAAEAA", "Upgrade: h2c")
    body = prompt()
    data = head(f"content-length: {len(body)}", *fields, key=key) + body
    with contextlib.closing(connect(gateway)) as connection:
        for at in range(0, len(data), step):
            connection.sendall(data[at : at + step])
        answer = heard(connection)

    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/1.2", ""])
def test_no_chunks_and_no_other_version_in_old_clothes(
    gateway: GatewayProcess, key: str, version: str
) -> None:
    """Chunks came with HTTP/1.1, and nothing but HTTP/1.0 and HTTP/1.1 is spoken."""
    opening = head("transfer-encoding: chunked", line=f"POST {PATH} {version}".strip(), key=key)
    answer = ask(gateway, opening + chunked(prompt()) + SMUGGLED)

    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "opening",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT inner:80 HTTP/1.1\r\nhost: inner:80\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1 \r\nhost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"get / HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=repr,
)
def test_another_protocol_is_refused(gateway: GatewayProcess, opening: bytes) -> None:
    """A preface of HTTP/2, a tunnel, TLS and a malformed line are answered 400, once."""
    answer = ask(gateway, opening + SMUGGLED)

    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_client_of_tls_is_told_at_once(gateway: GatewayProcess) -> None:
    """What cannot begin a request is not waited for: `https://` in a base URL shows in a moment."""
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(189)  # no line ends in it
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(hello)
        answer = heard(connection, seconds=5)

    assert status(answer) == 400


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_of_http_1_0_gets_no_framing_that_it_cannot_read(
    gateway: GatewayProcess, key: str, streams: bool
) -> None:
    """Chunks and interim answers came with HTTP/1.1: a stream is sent bare and ends with its connection."""
    body = json.dumps({**json.loads(prompt()), "stream": streams}).encode()
    fields = (f"content-length: {len(body)}", "expect: 100-continue")
    answer = ask(gateway, head(*fields, line=f"POST {PATH} HTTP/1.0", key=key) + body)

    fore, _, content = answer.partition(b"\r\n\r\n")
    assert status(answer) == 200
    assert b"transfer-encoding" not in fore
    if streams:
        assert content.startswith(b"data: {")
        assert content.endswith(b"data: [DONE]\n\n")
        assert b"\r\n" not in content
    else:
        assert json.loads(content)["choices"]


def test_an_upgrade_is_ignored_and_what_follows_is_dropped(gateway: GatewayProcess, key: str) -> None:
    """After an offer of another protocol, bytes on the connection are no request."""
    offer = head("connection: upgrade", "upgrade: h2c", line="GET /healthz HTTP/1.1", key=key)
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(offer + SMUGGLED)
        with contextlib.suppress(OSError):
            connection.sendall(SMUGGLED)
        answer = heard(connection)

    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", [PATH, "/admin/v1/sql", "/console/login", "/bundles/active.tar.gz"])
def test_no_body_is_invited_from_a_caller_without_a_key(gateway: GatewayProcess, path: str) -> None:
    """`Expect: 100-continue` is answered with the refusal: the body stays with its sender."""
    fields = ("content-length: 10000000", "expect: 100-continue")
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(head(*fields, line=f"POST {path} HTTP/1.1"))
        answer = heard(connection, seconds=5)

    assert status(answer) >= 400
    assert b"100 Continue" not in answer


def test_a_body_is_invited_from_a_known_agent(gateway: GatewayProcess, key: str) -> None:
    """`Expect: 100-continue` works for a caller with a key."""
    body = prompt()
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(head(f"content-length: {len(body)}", "expect: 100-continue", CLOSE, key=key))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status(heard(connection)) == 200


@pytest.mark.parametrize("name", ["Agnès", "à", "Ångström", "李雷"])
def test_the_name_of_an_end_user_arrives_whole(gateway: GatewayProcess, key: str, name: str) -> None:
    """A name sent as UTF-8 is recorded as that name, whatever its last byte is."""
    field = f"x-regate-on-behalf-of: {name}".encode().decode("latin-1")
    answer = post(gateway, f"authorization: Bearer {key}", field)

    assert status(answer) == 200
    [row] = gateway.await_rows("SELECT on_behalf_of FROM exchanges WHERE on_behalf_of = ?", name)
    assert row["on_behalf_of"] == name


def test_a_refusal_reaches_a_client_that_is_still_sending(gateway: GatewayProcess) -> None:
    """A large body behind a bad key ends in 401, and in no reset that destroys the answer."""
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(head("content-length: 10000000"))
        with contextlib.suppress(OSError):
            for _ in range(20):
                connection.sendall(b"x" * 10_000)
        answer = heard(connection)

    assert status(answer) == 401
    assert b"unauthenticated" in answer
