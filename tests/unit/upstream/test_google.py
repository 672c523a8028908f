"""A service account's key brings tokens for Vertex: signed by the library, had at the key's own address."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.config import Provider
from gateway.errors import UpstreamUnavailable
from gateway.upstream import UpstreamRequest, Upstreams, open_session
from tests.support.sites import always, site

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class TokenServer(BaseHTTPRequestHandler):
    """Gives a token for each assertion that the known key signed."""

    given = 0

    def do_POST(self) -> None:
        said = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        try:
            claims = jwt.decode(
                said["assertion"][0], KEY.public_key(), ["RS256"], options={"verify_aud": False}
            )
            assert claims["iss"] == "regate@acme.iam.gserviceaccount.com"
            assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
            TokenServer.given += 1
            status, told = 200, {"access_token": f"ya29.{TokenServer.given}", "expires_in": 3600}
        except jwt.InvalidTokenError:
            status, told = 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def token_uri() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenServer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    thread.join()
    server.server_close()


def key_file(folder: Path, uri: str, pem: str = PEM) -> Path:
    file = folder / "key.json"
    account = {"type": "service_account", "project_id": "acme", "private_key_id": "1", "private_key": pem}
    account |= {"client_email": "regate@acme.iam.gserviceaccount.com", "client_id": "1", "token_uri": uri}
    file.write_text(json.dumps(account))
    return file


async def test_a_key_brings_a_token_that_goes_up_as_a_bearer_token_until_it_ends(
    tmp_path: Path, token_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = key_file(tmp_path, token_uri)
    request = UpstreamRequest("POST", "/v1/projects/p/models/m:generateContent", "", {}, b"{}")
    async with site(always()) as one, open_session(2, 2) as session:
        found = Upstreams({"p": Provider("gemini", one.url, f"gcp:{file}")}, session)
        transport = found.find("p").transport
        for _ in range(2):
            await (await transport.send(request)).close()
        held = transport.places[0].keyring._keys[0].credential  # type: ignore[attr-defined]
        held._held = None  # it has ended
        await (await transport.send(request)).close()
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key_file(tmp_path, token_uri, other.decode())
        held._held = None
        with caplog.at_level(logging.WARNING, "regate.upstream"), pytest.raises(UpstreamUnavailable):
            await transport.send(request)
    assert one.keys == ["ya29.1", "ya29.1", "ya29.2"]
    assert "Google gives no token: invalid_grant: Invalid JWT Signature." in caplog.text
    assert "PRIVATE" not in caplog.text
    assert other.decode().split("\n")[1] not in caplog.text


async def refused(where: str) -> None:
    provider = Provider("gemini", "http://h", f"gcp:{where}")
    async with open_session(2, 2) as session:
        transport = Upstreams({"p": provider}, session).find("p").transport
        with pytest.raises(UpstreamUnavailable):
            await transport.send(UpstreamRequest("POST", "/", "", {}, b"{}"))


@pytest.mark.parametrize("text", ["", "{}", "no json"])
async def test_a_file_that_is_no_key_is_told(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key.json").write_text(text)
    await refused(f"{tmp_path}/key.json")
    assert "cannot be had: Google gives no token" in caplog.text


async def test_without_its_extra_it_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.upstream.google.find_spec", lambda _: None)
    await refused("default")
    assert "regate[gcp]" in caplog.text
