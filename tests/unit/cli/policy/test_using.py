"""`regate policy use` and `rollback` from the outside."""

from __future__ import annotations

from pathlib import Path

from gateway.policy import load_source
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import load_signing_key
from tests.support.bundles import tampered
from tests.unit.cli.policy.conftest import refused, regate, said


def test_only_a_proven_bundle_that_loads_is_put_in_use(root: Path, policy: Path) -> None:
    said("keygen")
    key = load_signing_key(root / "state" / "policy.key")
    (root / "bad.tar.gz").write_bytes(tampered(key))
    assert "is not what was signed" in refused("use", str(root / "bad.tar.gz"))
    for name in ("../x", "", "*"):
        assert "expected a bundle" in refused("use", name)
    assert "found none" in refused("use", "abc")
    (policy / "main.rego").write_text("package regate\n\ndecision := {}\n")

    (root / "empty.tar.gz").write_bytes(build_bundle(load_source(policy), key))
    assert "action" in refused("use", str(root / "empty.tar.gz"))
    assert not (root / "bundles" / "policy.tar.gz").exists()


def test_rollback_proves_what_it_goes_back_to(root: Path, policy: Path) -> None:
    said("keygen")
    first = said("build")
    assert regate("use", first["revision"]).exit_code == 0
    (policy / "rules" / "bulk.rego").unlink()
    second = said("build")
    assert regate("use", second["revision"][:6]).exit_code == 0
    good = Path(first["file"]).read_bytes()
    Path(first["file"]).write_bytes(tampered(load_signing_key(root / "state" / "policy.key")))
    assert "is not what was signed" in refused("rollback")
    Path(first["file"]).write_bytes(Path(second["file"]).read_bytes())
    assert "expected revision" in refused("rollback")
    in_use = root / "bundles" / "policy.tar.gz"
    assert in_use.read_bytes() == Path(second["file"]).read_bytes()
    Path(first["file"]).write_bytes(good)
    assert regate("rollback").exit_code == 0
    assert in_use.read_bytes() == good
