"""Client certificates: whose they are (SPIFFE X.509-SVIDs above all), and whether they still count.

The certificate was verified by our own TLS, or by a proxy that the configuration trusts. Here its names are
looked up in `workloads`, and its number in the revocation lists.
"""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.config import SPIFFE, Workload
from gateway.errors import IssuerUnavailable, Unauthenticated
from gateway.words import Agent

_CACHED = 10_000
_LOOK_SECONDS = 1.0  # between two looks at the file of revocation lists
_PEM = b"-----BEGIN X509 CRL-----"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What counts of a client's certificate. `names` are its URIs, or else its hosts with `dns:` before."""

    names: tuple[str, ...]
    thumbprint: str
    serial: int
    issuer: x509.Name
    since: float
    until: float


class Workloads:
    """Knows callers by their certificates."""

    def __init__(
        self, workloads: Sequence[Workload], revoked: Path | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._workloads = workloads
        self._revoked = RevocationLists(revoked, now) if revoked else None
        self._now = now
        self._known: OrderedDict[str, Certificate] = OrderedDict()

    def read(self, pem: str) -> Certificate:
        """Return what counts of a certificate that still does.

        Raises Unauthenticated, and IssuerUnavailable when the revocation lists cannot say.
        """
        found = self._known.get(pem)
        if found is None:
            found = self._known[pem] = _parsed(pem)
            if len(self._known) > _CACHED:
                self._known.popitem(last=False)
        if not found.since <= self._now() < found.until:
            raise Unauthenticated("client certificate: it has expired, or does not count yet")
        if self._revoked and self._revoked.has(found):
            raise Unauthenticated("client certificate: it is revoked")
        return found

    def agent(self, certificate: Certificate) -> Agent:
        """Return the agent that a certificate is of. Raises Unauthenticated for one of no known workload."""
        for name in certificate.names:
            for each in self._workloads:
                if fnmatchcase(name, each.id):
                    return Agent(
                        id=each.agent or name,
                        owner=each.owner,
                        method="mtls",
                        groups=each.groups,
                        claims={"certificate": name},
                        until=certificate.until,
                    )
        raise Unauthenticated("client certificate: it is of none of the workloads that this gateway knows")


class RevocationLists:
    """The revocation lists (PEM) of one file, read again when it changes."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._looked_at = -_LOOK_SECONDS
        self._seen: tuple[int, int] | None = None
        self._lists: tuple[x509.CertificateRevocationList, ...] = ()

    def has(self, certificate: Certificate) -> bool:
        """Return whether the certificate is revoked.

        Raises IssuerUnavailable without a list of its issuer that is still in force: what is revoked is not
        known then.
        """
        self._look()
        lists = [one for one in self._lists if one.issuer == certificate.issuer]
        if not any(_is_in_force(one, self._now()) for one in lists):
            raise IssuerUnavailable("client certificate: no revocation list of its issuer is in force")
        return any(
            one.get_revoked_certificate_by_serial_number(certificate.serial) is not None for one in lists
        )

    @property
    def ends(self) -> list[tuple[str, float]]:
        """The issuer of each list, and when it ends (seconds since 1970). Raises IssuerUnavailable."""
        self._look()
        return [
            (one.issuer.rfc4514_string(), one.next_update_utc.timestamp())
            for one in self._lists
            if one.next_update_utc
        ]

    def _look(self) -> None:
        if (moment := time.monotonic()) - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = moment
        try:
            status = self._path.stat()
            if (seen := (status.st_mtime_ns, status.st_ino)) != self._seen:
                self._lists, self._seen = _lists(self._path.read_bytes()), seen
        except (OSError, ValueError) as error:
            self._seen, self._lists = None, ()  # until the next look nothing passes either
            raise IssuerUnavailable("client certificate: the revocation lists cannot be read") from error


def _lists(pem: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    pieces = [_PEM + piece for piece in pem.split(_PEM)[1:]]
    if not pieces:
        raise ValueError("no revocation list in it")
    return tuple(x509.load_pem_x509_crl(piece) for piece in pieces)


def _is_in_force(one: x509.CertificateRevocationList, now: float) -> bool:
    return one.next_update_utc is None or now < one.next_update_utc.timestamp()


def _parsed(pem: str) -> Certificate:
    try:
        found = x509.load_pem_x509_certificate(pem.encode("ascii"))
        names = _names(found)
    except ValueError as error:
        raise Unauthenticated("client certificate: it cannot be read") from error
    thumbprint = base64.urlsafe_b64encode(found.fingerprint(hashes.SHA256())).decode().rstrip("=")
    return Certificate(
        names,
        thumbprint,
        found.serial_number,
        found.issuer,
        found.not_valid_before_utc.timestamp(),
        found.not_valid_after_utc.timestamp(),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the URIs in it, or else its hosts. An X.509-SVID has exactly one URI (X509-SVID, 2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    uris = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    if len(uris) > 1 and any(uri.startswith(SPIFFE) for uri in uris):
        raise ValueError("more than one URI beside a SPIFFE id")
    return uris or tuple(f"dns:{name}" for name in names.get_values_for_type(x509.DNSName))
