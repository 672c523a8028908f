"""Certificates of the tests: an authority, what it issues, and what it revokes."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_MINUTES = datetime.timedelta(minutes=1)
_HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, as files."""

    certificate: x509.Certificate
    pem: Path
    key: Path

    @property
    def thumbprint(self) -> str:
        """As `x5t#S256` has it (RFC 8705, 3.1)."""
        return base64.urlsafe_b64encode(self.certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")

    @property
    def files(self) -> tuple[str, str]:
        return str(self.pem), str(self.key)


@dataclass(slots=True)
class Authority:
    """One that issues certificates into a folder."""

    folder: Path
    name: str = "authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        builder = _builder(_named(self.name), self.key, _named(self.name))
        is_ca = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(*(False,) * 5, True, True, False, False)
        made = builder.add_extension(is_ca, critical=True).add_extension(usage, critical=True)
        self.certificate = made.sign(self.key, hashes.SHA256())
        self.pem.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def pem(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def issue(self, name: str, *uris: str, minutes: int = 60, subject: str = "") -> Issued:
        """Issue a certificate for this machine, or for what the URIs name; an old one is replaced."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(uri) for uri in uris] or [_HERE]
        made = (
            _builder(_named(subject or name), key, self.certificate.subject, minutes)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        pem, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return Issued(made, pem, secret)

    def revoke(self, revoked: Sequence[Issued], minutes: int = 60) -> Path:
        """Write the list of what is revoked."""
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateRevocationListBuilder(self.certificate.subject)
        builder = builder.last_update(now - 60 * _MINUTES).next_update(now + minutes * _MINUTES)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder(one.certificate.serial_number, now)
            builder = builder.add_revoked_certificate(entry.build())
        path = self.folder / f"{self.name}.crl"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, minutes: int = 60
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - 120 * _MINUTES)
        .not_valid_after(now + minutes * _MINUTES)
    )
