"""An authority outside stamps signed roots: here OpenSSL's, as a process of its own behind HTTP."""

from __future__ import annotations

import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest

from gateway.audit.files import signed_log
from gateway.audit.sealing.timestamp import load_authorities
from gateway.config import TimestampAuthority, load_config
from gateway.errors import ConfigError
from tests.unit.audit.conftest import Evidence, serving

_CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:true
[stamping]
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = tsa1
[tsa1]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = ca.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
"""


class Authority(HTTPServer):
    """Answers each query as `openssl ts` does, if the caller has the token; `wrong` is answered to all."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.folder, self.wrong, self.tokens = folder, b"", list[str]()
        (folder / "config").write_text(_CONFIG)
        (folder / "serial").write_text("01")
        new = ["-newkey", "ed25519", "-nodes", "-config", "config", "-days", "30"]
        ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "tsa.key", "-out", "tsa.pem"]
        self.openssl("req", "-x509", *new, "-subj", "/CN=root", "-extensions", "root",
                     "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
        new[1] = "rsa:2048"  # what OpenSSL's authority signs with
        self.openssl("req", "-x509", *new, "-subj", "/CN=tsa", "-extensions", "stamping", *ca)

    def openssl(self, *arguments: str) -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def settings(self, **changed: str) -> TimestampAuthority:
        url = f"http://127.0.0.1:{self.server_port}/tsr"
        return TimestampAuthority(**{"url": url, "ca": str(self.folder / "ca.pem"), **changed})


class _Post(BaseHTTPRequestHandler):
    server: Authority

    def do_POST(self) -> None:
        (self.server.folder / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
        answer = self.server.wrong or self.server.openssl(
            "ts", "-reply", "-config", "config", "-section", "tsa1", "-queryfile", "query"
        )
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    server = Authority(tmp_path_factory.mktemp("authority"))
    with serving(server):
        yield server


@pytest.fixture
def trusted(authority: Authority) -> Authority:
    authority.wrong = b""
    return authority


def test_a_root_is_stamped_once_an_hour_and_openssl_checks_it(
    evidence: Evidence, trusted: Authority, tmp_path: Path
) -> None:
    sealer, kept = evidence.sealer(timestamps=trusted.settings()), evidence.folder.timestamps
    for number in range(2):
        evidence.record(number)
        sealer.seal()
    assert sealer.well()
    [line] = signed_log.lines(kept)
    os.utime(kept, (0, 0))  # an hour later
    kept.write_bytes(kept.read_bytes() + b'{"size"')  # and a crash in between
    os.utime(kept, (0, 0))
    evidence.record(2)
    sealer.seal()
    assert len(signed_log.lines(kept)) == 2

    said = orjson.loads(line)
    (tmp_path / "answer").write_bytes(b64decode(said["answer"]))
    (tmp_path / "root").write_bytes(signed_log.lines(evidence.folder.checkpoints)[said["size"]])
    checked = trusted.openssl("ts", "-verify", "-CAfile", "ca.pem", "-data", str(tmp_path / "root"),
                              "-in", str(tmp_path / "answer"))  # fmt: skip
    assert b"OK" in checked
    report = evidence.verify(authorities=load_authorities(trusted.folder / "ca.pem"))
    assert (report.breaks, len(report.timestamps)) == ([], 2)


def test_a_timestamp_of_another_log_or_authority_is_a_break(
    evidence: Evidence, trusted: Authority, tmp_path: Path
) -> None:
    evidence.record(0)
    evidence.sealer(timestamps=trusted.settings()).seal()
    kept = evidence.folder.timestamps
    said = orjson.loads(kept.read_bytes())
    kept.write_bytes(kept.read_bytes() + orjson.dumps({**said, "size": 99}) + b"\n{}\n")
    authorities = load_authorities(trusted.folder / "ca.pem")
    told = [
        (each.line, each.reason.partition(" ")[0]) for each in evidence.verify(authorities=authorities).breaks
    ]
    assert told == [(2, "a"), (3, "'size'")]

    other = tmp_path / "other"
    other.mkdir()
    stranger = Authority(other)
    stranger.server_close()
    report = evidence.verify(authorities=load_authorities(other / "ca.pem"))
    assert "does not hold" in report.breaks[0].reason


def test_an_answer_that_proves_nothing_is_not_kept(evidence: Evidence, trusted: Authority) -> None:
    """One about something else, none at all, and one for a token that is not set; sealing goes on."""
    trusted.wrong = b"nonsense"
    evidence.record(0)
    sealer = evidence.sealer(timestamps=trusted.settings())
    assert sealer.seal().segments
    trusted.openssl("ts", "-query", "-data", "config", "-out", "other")
    trusted.wrong = trusted.openssl(
        "ts", "-reply", "-config", "config", "-section", "tsa1", "-queryfile", "other"
    )
    evidence.record(1)
    assert sealer.seal().segments
    assert not sealer.well()
    assert not evidence.folder.timestamps.exists()


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """No file of certificates, and a token that would go in the clear, or that is a secret itself."""
    with pytest.raises(ConfigError, match="expected certificates in PEM"):
        load_authorities(tmp_path / "none")
    for rest, told in (
        ("url: http://tsa.example, token: env:T", "expected https"),
        ("url: https://tsa.example, token: s3cret", "expected a reference"),
    ):
        path = tmp_path / "regate.yaml"
        path.write_text(
            "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
            f"audit: {{timestamps: {{ca: ca.pem, {rest}}}}}\n"
        )
        with pytest.raises(ConfigError, match=told) as caught:
            load_config(path)
        assert "s3cret" not in str(caught.value)
