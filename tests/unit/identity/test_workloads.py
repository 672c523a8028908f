"""Client certificates: whose they are, and whether they still count."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config import Workload
from gateway.errors import IssuerUnavailable, Unauthenticated
from gateway.identity.workloads import RevocationLists, Workloads
from tests.support.certificates import Authority, Issued

ID = "spiffe://acme.example/ns/billing/sa/invoices"
KNOWN = (
    Workload(id="spiffe://acme.example/ns/billing/*", owner="bob", agent="billing", groups=("red",)),
    Workload(id="spiffe://acme.example/*", owner="ana"),
    Workload(id="dns:*.acme.example", owner="eve"),
)


def pem(issued: Issued) -> str:
    return issued.certificate.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_the_first_workload_that_fits_names_the_agent(authority: Authority) -> None:
    workloads = Workloads(KNOWN)
    agent = workloads.agent(workloads.read(pem(authority.issue("a", ID))))
    assert (agent.id, agent.owner, agent.groups, agent.method) == ("billing", "bob", ("red",), "mtls")
    agent = workloads.agent(workloads.read(pem(authority.issue("b", "spiffe://acme.example/x"))))
    assert (agent.id, agent.owner, agent.groups) == ("spiffe://acme.example/x", "ana", ("default",))


@pytest.mark.parametrize(
    ("uris", "said"),
    [
        ((ID.replace("acme", "evil"),), "none of the workloads"),
        (("spiffe://acme.example.evil/ns/billing/x",), "none of the workloads"),
        ((), "none of the workloads"),
        ((ID, "https://acme.example/other"), "cannot be read"),  # an X.509-SVID has exactly one URI
    ],
)
def test_a_certificate_of_another_is_refused(authority: Authority, uris: tuple[str, ...], said: str) -> None:
    workloads = Workloads(KNOWN)
    with pytest.raises(Unauthenticated, match=said):
        workloads.agent(workloads.read(pem(authority.issue("other", *uris))))


def test_what_is_no_certificate_is_refused() -> None:
    for text in ("", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é"):
        with pytest.raises(Unauthenticated, match="cannot be read"):
            Workloads(KNOWN).read(text)


def test_a_certificate_counts_for_its_time(authority: Authority) -> None:
    issued, now = authority.issue("a", ID), [time.time()]
    workloads = Workloads(KNOWN, now=lambda: now[0])
    assert workloads.agent(workloads.read(pem(issued))).until == pytest.approx(now[0] + 3_600, abs=10)
    now[0] += 3_700
    with pytest.raises(Unauthenticated, match="expired"):
        workloads.read(pem(issued))


def test_a_revoked_certificate_counts_no_longer_once_the_list_says_so(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, path = authority.issue("a", ID), authority.revoke([])
    workloads = Workloads(KNOWN, path)
    workloads.read(pem(issued))
    monkeypatch.setattr("gateway.identity.workloads._LOOK_SECONDS", 0)
    authority.revoke([issued])
    os.utime(path, (1, 1))
    with pytest.raises(Unauthenticated, match="revoked"):
        workloads.read(pem(issued))


def test_without_a_list_in_force_no_certificate_counts(authority: Authority, tmp_path: Path) -> None:
    """What is revoked is not known then."""
    shown = Workloads(KNOWN).read(pem(authority.issue("a", ID)))
    (tmp_path / "broken").write_text("-----BEGIN X509 CRL-----\n")
    of_another = Authority(tmp_path, "another").revoke([])
    late = authority.revoke([], minutes=-5)
    for lists in (late, of_another, tmp_path / "absent", tmp_path / "broken"):
        with pytest.raises(IssuerUnavailable, match="revocation list"):
            RevocationLists(lists).has(shown)


def test_lists_that_are_gone_let_nobody_pass_until_the_next_look(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, path = authority.issue("a", ID), authority.revoke([])
    workloads, clock = Workloads(KNOWN, path), [time.monotonic()]
    monkeypatch.setattr("gateway.identity.workloads.time.monotonic", lambda: clock[0])
    workloads.read(pem(issued))
    path.unlink()
    clock[0] += 2
    for _ in range(2):
        with pytest.raises(IssuerUnavailable):
            workloads.read(pem(issued))
