"""`regate policy import` writes a library that checks, and that a topic can call."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.policy.conftest import refused, regate
from tests.unit.cli.policy.test_importing import AUTHZ, UTIL


def test_an_imported_library_is_in_order_and_stays_as_it_is(opa: Path, root: Path, policy: Path) -> None:
    library = root / "our-lib"
    library.mkdir()
    (library / "authz.rego").write_text(AUTHZ.replace("data.acme.admins", "data.admins"))
    (library / "util.rego").write_text(UTIL)
    (library / "data.json").write_text('{"limits": {"n": 2}, "admins": ["dana"]}')

    run = regate("import", str(library))

    assert run.exit_code == 0, run.output
    assert "    data.regate.lib.our_lib.acme.authz.allow\n" in run.stdout
    assert (policy / "lib/our_lib/authz.rego").is_file()
    check = regate("check")
    assert check.exit_code == 0, check.output
    assert "cannot be written: File exists" in refused("import", str(library))
    assert "expected a folder" in refused("import", str(root / "nowhere"))
    assert "expected small letters" in refused("import", str(library), "--as", "../x")
