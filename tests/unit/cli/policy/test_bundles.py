"""`regate policy keygen`, `build` and `inspect` from the outside."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cli.policy import bundles
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signing_keys import create_signing_key, load_signing_key
from tests.support.bundles import library, tampered
from tests.unit.cli.policy.conftest import refused, regate, said


def test_a_key_is_made_beside_the_state_and_never_where_policy_is(root: Path, policy: Path) -> None:
    made = said("keygen")
    assert made["private"] == str(root / "state" / "policy.key")
    assert stat.S_IMODE(Path(made["private"]).stat().st_mode) == 0o600
    assert "never written over" in refused("keygen")
    for folder in (policy, policy / "rules", root / "bundles"):
        assert "expected a place outside" in refused("keygen", "--out", str(folder / "policy.key"))
    assert "expected ES256 or RS256" in refused("keygen", "--out", str(root / "x"), "--algorithm", "HS256")


def test_a_build_is_the_same_twice_and_proven_by_its_key(root: Path) -> None:
    assert "regate policy keygen" in refused("build")
    key = said("keygen")
    first, second = said("build"), said("build", "--output", str(root / "again.tar.gz"))
    assert Path(first["file"]).parent == root / "bundles"
    assert Path(first["file"]).read_bytes() == Path(second["file"]).read_bytes()
    found = said("inspect", first["file"])
    assert (found["revision"], found["key_id"], found["verified"]) == (first["revision"], key["key_id"], True)
    assert found["roots"] == ["regate", "settings"]
    assert "main.rego" in found["files"]


def test_tables_are_built_into_a_bundle_that_policy_reads(root: Path, policy: Path) -> None:
    (root / "data").mkdir()
    (root / "data/users.json").write_text('["ana"]')
    said("keygen")
    assert "expected a folder of tables" in refused("build", "--tables", str(root / "none"))
    built = said("build", "--tables", str(root / "data"))
    found = said("inspect", built["file"])
    assert (found["verified"], found["roots"]) == (True, ["tables"])
    key = root / "state/policy.pub"
    settings = f"tables: {built['file']}, tables_bundle: {{verify_key: {key}}}"
    providers = "providers:\n  demo: {family: openai, base_url: builtin:demo}\n"
    (root / "regate.yaml").write_text(f"{providers}policy: {{path: {policy}, {settings}}}\n")
    status = said("status")
    assert list(status["tables"]) == ["users"]
    assert status["tables_issued_at"]
    Path(built["file"]).write_bytes(b"")
    assert "tables.tar.gz: it is cut off" in regate("check").output


def test_a_policy_that_does_not_load_is_not_built(root: Path, policy: Path) -> None:
    said("keygen")
    (policy / "main.rego").write_text('package regate\n\ndecision := {"action": "dney"}\n')
    assert "dney" in refused("build")
    assert not (root / "bundles").exists()


def test_an_edit_during_a_build_is_not_built_under_another_revision(
    root: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("keygen")
    loads = bundles.try_out

    async def edited(*arguments: Any) -> None:
        await loads(*arguments)
        (policy / "main.rego").write_text((policy / "main.rego").read_text() + "# later\n")

    monkeypatch.setattr(bundles, "try_out", edited)
    assert "was edited during the build" in refused("build")
    assert not (root / "bundles").exists()


def test_what_is_not_proven_is_inspected_with_exit_code_1(root: Path) -> None:
    said("keygen")
    key = load_signing_key(root / "state" / "policy.key")
    other, public = create_signing_key(root / "other.key", "ES256")
    file = root / "bundle.tar.gz"
    for content, why in (
        (build_bundle(library(), None), "it is not signed"),
        (tampered(key), "is not what was signed"),
        (build_bundle(library(), other), "does not fit"),
    ):
        file.write_bytes(content)
        run = regate("inspect", str(file))
        assert run.exit_code == 1
        assert why in run.stdout
    assert regate("inspect", str(file), "--verify-key", str(public)).exit_code == 0


def test_a_pipe_is_no_bundle_and_keeps_nobody(root: Path) -> None:
    os.mkfifo(root / "pipe.tar.gz")
    assert "expected a plain file" in refused("inspect", str(root / "pipe.tar.gz"))


@pytest.mark.parametrize("command", ["keygen", "build", "inspect", "use", "rollback"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    run = regate(command, "--help")
    assert run.exit_code == 0
    assert "Example: regate policy" in run.output
