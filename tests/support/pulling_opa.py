"""A real OPA that runs beside a gateway and pulls its policy from it, configured as the reference says."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.policy import find_opa
from gateway.policy.bundle.signing_keys import load_verify_key
from tests.support.prefork import die_with_parent

TOKEN = "the-gateway-s-token"
AUTHZ = """package system.authz

default allow := false

allow if {
	_holds_the_token
	input.method == "POST"
	input.path == ["v1", "data", "regate", "decision"]
}

allow if {
	_holds_the_token
	input.method == "GET"
	input.path == ["v1", "status"]
}

_holds_the_token if crypto.sha256(input.identity) == "%s"
"""


@dataclass(slots=True)
class PullingOpa:
    """`opa run` in `folder`, pulling the bundle `name`; over TLS, with authorization, where `tls` says so."""

    folder: Path
    url: str  # the gateway's
    key: str  # a Regate key
    verify_key: Path
    name: str
    tls: bool = False
    port: int = field(default_factory=lambda: _free_port())
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> PullingOpa:
        opa = find_opa()
        assert opa is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "opa.yaml").write_text(yaml.safe_dump(self._configuration()))
        arguments = ["run", "--server", f"--addr=127.0.0.1:{self.port}", "--config-file=opa.yaml"]
        arguments += ["--skip-version-check", "--log-level=error", "--shutdown-grace-period=1"]
        if self.tls:
            (self.folder / "authz.rego").write_text(AUTHZ % hashlib.sha256(TOKEN.encode()).hexdigest())
            arguments += ["--tls-cert-file=cert.pem", "--tls-private-key-file=key.pem"]
            arguments += ["--authentication=token", "--authorization=basic", "authz.rego"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [opa, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        return self

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        return self.folder / "cert.pem"

    def decision(self, document: dict[str, Any]) -> tuple[str, str]:
        """The action, "" where there is none, and the revision that has spoken."""
        answer = httpx.post(
            f"{self.address}/v1/data/regate/decision?provenance=true", json={"input": document}
        ).json()
        revision = answer["provenance"].get("bundles", {}).get("policy", {}).get("revision", "")
        return answer.get("result", {}).get("action", ""), revision

    def status(self) -> dict[str, Any]:
        """What OPA says of its bundle; empty before it says anything."""
        try:
            answer = httpx.get(f"{self.address}/v1/status").json()
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = answer.get("result", {}).get("bundles", {}).get("policy", {})
        return found

    def _configuration(self) -> dict[str, Any]:
        key = load_verify_key(self.verify_key)
        return {
            "services": {"regate": {"url": self.url, "credentials": {"bearer": {"token": self.key}}}},
            "keys": {key.key_id: {"algorithm": key.algorithm, "key": key.pem.decode()}},
            "bundles": {
                "policy": {
                    "service": "regate",
                    "resource": f"bundles/{self.name}.tar.gz",
                    "signing": {"keyid": key.key_id},
                    "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1},
                }
            },
            "status": {"prometheus": True},
        }

    def certify(self) -> None:
        """Make a certificate for 127.0.0.1 that vouches for itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "opa of the tests")])
        now = datetime.datetime.now(datetime.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = self.folder / "key.pem"
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def built(run: Callable[..., str], *arguments: str) -> dict[str, Any]:
    """What `regate policy build` says that it made."""
    found: dict[str, Any] = json.loads(run("policy", "build", *arguments, "--json"))
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
