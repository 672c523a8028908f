"""Signed roots go to the auditor's place; a place that fails is told of, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.audit.sealing.anchor import bearer, last_anchored
from gateway.config import load_config
from gateway.errors import ConfigError
from tests.unit.audit.conftest import Evidence, serving


class Auditor(HTTPServer):
    """Keeps what is posted; answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.status = 204
        self.posted: list[bytes] = []
        self.authorized: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/roots"


class _Post(BaseHTTPRequestHandler):
    server: Auditor

    def do_POST(self) -> None:
        self.server.authorized.append(self.headers["authorization"])
        self.server.posted.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.server.status)
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def auditor() -> Iterator[Auditor]:
    server = Auditor()
    with serving(server):
        yield server


def test_what_is_posted_is_the_root_and_proves_the_folder(
    evidence: Evidence, auditor: Auditor, tmp_path: Path
) -> None:
    """With the token that the reference names then."""
    token = tmp_path / "token"
    token.write_text("one\n")
    sealer = evidence.sealer(anchor=auditor.url, anchor_token=f"file:{token}")
    for number in range(2):
        evidence.record(number)
        sealer.seal()
        token.write_text("two\n")
    assert auditor.authorized == ["Bearer one", "Bearer two"]

    kept = tmp_path / "kept.ndjson"
    kept.write_bytes(b"".join(auditor.posted))
    report = evidence.verify(anchor=kept)
    assert (report.breaks, report.anchored) == ([], 2)


@pytest.mark.parametrize("status", [500, 302])
def test_a_place_that_refuses_is_told_of_until_a_later_root_arrives(
    evidence: Evidence, auditor: Auditor, status: int
) -> None:
    auditor.status = status
    sealer = evidence.sealer(anchor=auditor.url)
    evidence.record(0)
    assert len(sealer.seal().segments) == 1
    assert not sealer.anchor.well()
    last = last_anchored(evidence.folder)
    assert last is not None
    assert last.failure == f"{auditor.url}: it answered {status}"

    auditor.status = 200
    evidence.record(1)
    sealer.seal()
    assert sealer.anchor.well()
    assert len(auditor.posted) == 2


def test_a_place_that_is_gone_stops_no_seal(evidence: Evidence, tmp_path: Path) -> None:
    """Nor does a token that is not there: without it nothing is sent."""
    for place, token in (
        ("http://127.0.0.1:9/", ""),
        (f"file:{tmp_path}/nowhere/roots", ""),
        ("http://127.0.0.1:9/", f"file:{tmp_path}/no-token"),
    ):
        sealer = evidence.sealer(anchor=place, anchor_token=token)
        evidence.record(0)
        assert len(sealer.seal().segments) == 1
        assert not sealer.anchor.well()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("http://auditor.example/roots", "audit.anchor"),
        ("file:roots", "audit.anchor"),
        ("file:{root}/audit/roots", "outside the audit folder"),
    ],
)
def test_a_place_that_vouches_for_nothing_is_refused(tmp_path: Path, place: str, told: str) -> None:
    path = tmp_path / "regate.yaml"
    path.write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
        f"audit: {{anchor: '{place.format(root=tmp_path)}'}}\n"
    )
    with pytest.raises(ConfigError, match=told):
        load_config(path)


def test_a_token_of_two_lines_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHOR_TOKEN", "s3cret\n")
    with pytest.raises(OSError, match="ANCHOR_TOKEN is no printable text of one line"):
        bearer("env:ANCHOR_TOKEN")
