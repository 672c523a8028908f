"""An OPA that pulls with the configuration of the reference takes nothing that the key has not signed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.bundle.archive import pack, unpack
from gateway.policy.bundle.bundle import build_bundle, read_bundle
from gateway.policy.bundle.signature import sign
from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from tests.support.configuration import SHIPPED, need_engine
from tests.support.pulling_opa import PullingOpa
from tests.support.waiting import until
from tests.unit.policy.conftest import request_document

ALLOW_ALL = b'package regate\n\ndecision := {"action": "allow"}\n'
Files = dict[str, bytes]


class BundleServer:
    """Serves one bundle under a name that changes with it, as a store that an attacker writes to."""

    def __init__(self) -> None:
        self.content = b""
        self.served = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.openpolicyagent.bundles")
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content)
                server.served += 1

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[BundleServer]:
    server = BundleServer()
    yield server
    server.close()


def manifest(revision: str, **more: object) -> bytes:
    return json.dumps({"revision": revision, "roots": ["regate", "settings"], **more}).encode()


def delta(revision: str) -> Files:
    """A patch that lets everyone use everything."""
    patch = {"data": [{"op": "upsert", "path": "/settings/entities", "value": {}}]}
    return {".manifest": manifest(revision), "patch.json": json.dumps(patch).encode()}


ATTACKS: dict[str, Callable[[Files, str, SigningKey], Files]] = {
    "an unsigned delta": lambda files, revision, key: delta(revision),
    "a delta with the signature of a whole bundle": lambda files, revision, key: {
        **delta(revision),
        ".signatures.json": files[".signatures.json"],
    },
    "a delta that a stranger signed": lambda files, revision, key: {
        **delta(revision),
        ".signatures.json": sign(delta(revision), key),
    },
    "no signature": lambda files, revision, key: {
        ".manifest": manifest(revision),
        "main.rego": ALLOW_ALL,
    },
    "an empty signature": lambda files, revision, key: {
        **files,
        "main.rego": ALLOW_ALL,
        ".signatures.json": b'{"signatures": []}',
    },
    "another file": lambda files, revision, key: {**files, "main.rego": ALLOW_ALL},
    "one file more": lambda files, revision, key: {**files, "rules/mine.rego": ALLOW_ALL},
    "a file that is named as if it were a signature": lambda files, revision, key: {
        **files,
        "rules/x.signatures.json": b"{}",
    },
    "data that nothing signed": lambda files, revision, key: {**files, "regate/data.json": b'{"x": 1}'},
    "a stranger's signature": lambda files, revision, key: {
        **files,
        "main.rego": ALLOW_ALL,
        ".signatures.json": sign({**files, "main.rego": ALLOW_ALL}, key),
    },
}


@pytest.mark.timeout(300)
def test_a_bundle_server_that_lies_does_not_change_a_decision(server: BundleServer, tmp_path: Path) -> None:
    """Neither a real OPA nor the gateway itself takes what an attacker puts in the place of the bundle."""
    need_engine("sidecar")
    key, public = create_signing_key(tmp_path / "policy.key", "ES256")
    stranger, _ = create_signing_key(tmp_path / "stranger.key", "ES256")
    genuine = build_bundle(load_source(SHIPPED), key)
    files = unpack(genuine)
    revision = str(json.loads(files[".manifest"])["revision"])
    opa = PullingOpa(tmp_path / "opa", server.url, "any", public, "policy")
    server.content = genuine
    opa.start()
    try:
        until(lambda: opa.status().get("active_revision") == revision)
        before = opa.decision(request_document())
        for name, attack in ATTACKS.items():
            server.content, seen = pack(attack(files, revision, stranger)), server.served
            with pytest.raises(ConfigError):
                read_bundle(tmp_path / name, server.content, key.public)
            until(lambda seen=seen: server.served > seen + 1)  # type: ignore[misc]  # bound in the loop
            until(lambda: bool(opa.status().get("code")))
            assert opa.decision(request_document()) == before, name
            server.content = genuine
            until(lambda: not opa.status().get("code"))
    finally:
        opa.stop()
