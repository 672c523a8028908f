"""What `regate doctor` says of detection, before the gateway would refuse to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.doctor import Check, _detection, _locks, _print, _proofs, _provider, _receiver, _timestamps, app
from gateway.audit.shipping import Standing
from gateway.audit.shipping.state import ShippingState
from gateway.config import (
    Audit,
    Config,
    CustomEntity,
    Detect,
    Issuer,
    ListenTls,
    Ner,
    Oidc,
    Provider,
    TimestampAuthority,
)
from gateway.detect.entities import ner
from tests.support.certificates import Authority
from tests.support.tokens import Signer

PROVIDERS = {"demo": Provider(family="openai", base_url="builtin:demo")}


def test_without_a_configuration_the_rest_is_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGATE_CONFIG", raising=False)
    told = CliRunner().invoke(app, ["--json"])
    checks = {check["what"]: check for check in json.loads(told.stdout)}
    assert told.exit_code == 1
    assert not checks["configuration"]["ok"]
    assert "regate init writes a new one" in checks["configuration"]["state"]
    assert set(checks) == {"configuration", "OPA", "embedded engine"}


def test_a_pattern_that_would_be_refused_at_start_is_named() -> None:
    custom = (CustomEntity("CASE", patterns=(r"(a)\1",)),)
    finding = _detection(Config(PROVIDERS, detect=Detect(custom=custom)))
    assert (finding.ok, finding.what) == (False, "detection")
    assert "detect.custom[0].patterns[0]: CASE" in finding.state


def test_names_without_their_extra_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ner, "find_spec", lambda _: None)
    finding = _detection(Config(PROVIDERS, detect=Detect(ner=Ner(enabled=True))))
    assert not finding.ok
    assert "regate[ner]" in finding.state


def test_what_could_change_a_finding_is_shown_when_all_is_well() -> None:
    finding = _detection(Config(PROVIDERS))
    assert finding.ok
    assert "presidio/" in finding.state


def test_locks_are_tried_from_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(PROVIDERS, audit=Audit(path=str(tmp_path / "audit")))
    assert _locks(config).ok
    assert list(tmp_path.iterdir()) == []

    monkeypatch.setattr("fcntl.flock", lambda *_: None)  # ours is not held, so that the other process gets it
    finding = _locks(config)
    assert not finding.ok
    assert "do not hold" in finding.state


def test_brackets_are_shown_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    _print([Check("engine", "exec:[red]x", False, "pip install 'regate[embedded]'")])
    shown = capsys.readouterr().out
    assert "exec:[red]x" in shown
    assert "regate[embedded]" in shown


def test_a_provider_is_asked_and_one_without_its_credential_is_disabled(tmp_path: Path) -> None:
    dead = Provider("openai", "http://127.0.0.1:1")
    unset = Provider("openai", "http://127.0.0.1:1", f"file:{tmp_path}/none")
    config = Config({**PROVIDERS, "dead": dead, "unset": unset})
    found = {name: list(_provider(name, provider, config)) for name, provider in config.providers.items()}
    assert [(one.ok, one.state) for one in found["demo"]] == [(True, "built in")]
    (one,) = found["dead"]
    assert not one.ok
    assert one.state.startswith("http://127.0.0.1:1 cannot be reached: ")
    (one,) = found["unset"]
    assert (one.ok, one.state) == (True, f"disabled: its credential file:{tmp_path}/none is not set")


def test_an_authority_without_its_certificates_is_named(tmp_path: Path) -> None:
    authority = TimestampAuthority("https://tsa.example", str(tmp_path / "none"))
    finding = _timestamps(Config(PROVIDERS, audit=Audit(timestamps=authority)))
    assert not finding.ok
    assert "expected certificates in PEM" in finding.state


def test_issuers_certificates_and_revocations_are_looked_at(tmp_path: Path) -> None:
    authority, signer = Authority(tmp_path), Signer()
    authority.issue("server")
    signer.write(tmp_path / "keys.json")
    authority.revoke([])
    config = Config(
        PROVIDERS,
        oidc=Oidc((Issuer(issuer=signer.issuer, audience="regate", owner="sub", jwks="keys.json"),)),
        listen_tls=ListenTls(certificate="server.pem", key="server.key"),
        revoked="authority.crl",
        root=tmp_path,
    )
    assert [(one.ok, one.what) for one in _proofs(config)] == [
        (True, "issuer https://id.example"),
        (True, "listen_tls"),
        (True, "revocation lists"),
    ]
    (tmp_path / "keys.json").unlink()
    authority.issue("server", minutes=-5)
    authority.revoke([], minutes=-5)
    found = list(_proofs(config))
    assert not any(one.ok for one in found)
    assert "keys.json" in found[0].state
    assert "CN=authority ended" in found[2].state
    for name in ("server.pem", "authority.crl"):
        (tmp_path / name).write_text("")
    assert not any(one.ok for one in _proofs(config))


def test_a_receiver_that_takes_nothing_is_told_of_with_how_much_waits() -> None:
    well = _receiver(
        Standing("siem", "https://siem/", 0, ShippingState(shipped_at="2026-11-28T00:00:00.000000Z"))
    )
    assert well.ok
    state = ShippingState(failing_since="2026-11-28T00:00:00.000000Z", failure="it answered 500", dropped=3)
    failing = _receiver(Standing("siem", "https://siem/", 1200, state))
    assert not failing.ok
    assert "it answered 500; 1,200 records behind" in failing.state
    assert "3 records were dropped by retention" in failing.state
