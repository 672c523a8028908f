"""Where opa is looked for, by Python and by `scripts/install-opa` alike."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy import PINNED, find_opa
from gateway.policy.engine.builtins import REFUSED
from tests.unit.policy.conftest import LIBRARY

SCRIPT = LIBRARY.parents[1] / "scripts" / "install-opa"


def program(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without opa: no go, no curl, no wget either."""
    monkeypatch.delenv("REGATE_OPA", raising=False)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "grep", "mkdir", "mktemp", "rm", "uname", "mv", "cut", "chmod"):
        found = next(p for p in (Path("/usr/bin", tool), Path("/bin", tool)) if p.exists())
        (tools / tool).symlink_to(found)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{tools}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def found() -> str:
    """What both find, which must be the same."""
    by_script = script("--print").stdout.strip()
    assert str(find_opa() or "") == by_script
    return by_script


def test_nothing_is_found_on_an_empty_machine(home: Path) -> None:
    assert found() == ""


def test_the_environment_comes_first_and_may_name_a_newer_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home / "bin" / "opa", PINNED)
    mine = program(home / "mine" / "opa", "9.9.9")
    monkeypatch.setenv("REGATE_OPA", str(mine))
    assert found() == str(mine)


def test_the_environment_naming_nothing_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGATE_OPA", str(home / "nowhere"))
    with pytest.raises(ConfigError, match="not an executable"):
        find_opa()
    assert script().returncode == 1


def test_the_pinned_version_on_the_path_comes_before_the_cache(home: Path) -> None:
    on_path = program(home / "bin" / "opa", PINNED)
    program(home / "cache" / "regate" / f"opa-{PINNED}" / "opa", PINNED)
    assert found() == str(on_path)


def test_another_version_on_the_path_does_not_count(home: Path) -> None:
    program(home / "bin" / "opa", "0.68.0")
    assert found() == ""
    cached = program(home / "cache" / "regate" / f"opa-{PINNED}" / "opa", PINNED)
    assert found() == str(cached)


def test_without_any_way_to_install_the_script_says_so_and_succeeds(home: Path) -> None:
    run = script()
    assert run.returncode == 0
    assert "embedded engine will be used" in run.stderr
    assert run.stdout == ""
    assert list((home / "cache" / "regate" / f"opa-{PINNED}").iterdir()) == []


def test_the_script_builds_with_go_where_the_download_host_is_away(home: Path) -> None:
    go = home / "bin" / "go"
    go.parent.mkdir()
    wanted = f"install github.com/open-policy-agent/opa@v{PINNED}"
    go.write_text(
        f'#!/bin/sh\n[ "$*" = "{wanted}" ] || exit 1\n'
        f'printf "#!/bin/sh\\necho Version: {PINNED}\\n" > "$GOBIN/opa"\nchmod 755 "$GOBIN/opa"\n'
    )
    go.chmod(0o755)
    assert "installed" in script().stderr
    assert found() == str(home / "cache" / "regate" / f"opa-{PINNED}" / "opa")
    go.unlink()
    assert "using" in script().stderr  # the second time there is nothing to do


@pytest.mark.parametrize("genuine", [True, False])
def test_a_download_counts_only_with_its_checksum(home: Path, genuine: bool) -> None:
    text = f"#!/bin/sh\necho 'Version: {PINNED}'\n"
    digest = hashlib.sha256(text.encode() if genuine else b"something else").hexdigest()
    (home / "opa").write_text(text)
    curl = home / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(
        "#!/bin/sh\nfor last; do :; done\nwhile [ $# -gt 1 ]; do [ $1 = --output ] && out=$2; shift; done\n"
        f'case $last in *.sha256) echo "{digest}  opa" > "$out" ;; *) cat "{home}/opa" > "$out" ;; esac\n'
    )
    curl.chmod(0o755)
    for tool in ("cat", "sha256sum"):
        (home / "tools" / tool).symlink_to(Path("/usr/bin", tool))
    run = script()
    assert run.returncode == 0
    assert (found() != "") is genuine
    assert ("does not match" in run.stderr) is not genuine


def test_both_pin_the_same_version() -> None:
    assert f"\nVERSION={PINNED}\n" in SCRIPT.read_text()
    assert os.access(SCRIPT, os.X_OK)


def test_what_is_refused_is_what_opa_calls_nondeterministic(opa: Path) -> None:
    run = subprocess.run([opa, "capabilities", "--current"], capture_output=True, check=True)
    builtins = json.loads(run.stdout)["builtins"]
    assert {each["name"] for each in builtins if each.get("nondeterministic")} == REFUSED
