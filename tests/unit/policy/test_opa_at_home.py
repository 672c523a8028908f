"""What an OPA user types first works, or says what to type; Regal finds nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.policy.conftest import TESTS

ROOT = TESTS.parent
CONFIG = yaml.safe_load((ROOT / ".regal/config.yaml").read_text())
OWN = sorted((ROOT / ".regal/rules/custom/regal/rules").rglob("*.rego"))
FAULTY = """package regate.rules.night

# METADATA
# entrypoint: true
_night if input.time > "22"

verdicts contains {"action": "deny", "rule": "nite.interns", "title": "t", "message": "m"} if _night
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `regate` works in: the configuration, the policy, its tests, and an input document."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("policies", "policy_tests", ".regal"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "regate.yaml", folder)
    return folder


def run(home: Path, program: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], cwd=home, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def document(home: Path, opa: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The prompt of the fixtures, as a file."""
    query = ("eval", "--format=json", "-d", "policy_tests/fixtures.rego", "-d", "policies/rego")
    told = json.loads(run(home, opa, *query, "data.policy_tests.fixtures.prompt").stdout)
    file = tmp_path_factory.mktemp("asked") / "input.json"
    file.write_text(json.dumps(told["result"][0]["expressions"][0]["value"]))
    return str(file)


def test_opa_test_passes(home: Path, opa: Path) -> None:
    ended = run(home, opa, "test", "--timeout=100s", "policies/rego", "policy_tests")  # however busy it is
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("folders", [["policies", "policy_tests"], ["."]], ids=" ".join)
def test_opa_test_of_other_folders_says_what_to_type(home: Path, opa: Path, folders: list[str]) -> None:
    ended = run(home, opa, "test", *folders)
    assert ended.returncode == 2
    assert "type `opa test policies/rego policy_tests`, or `regate policy test`" in ended.stdout


def test_opa_eval_and_exec_decide(home: Path, opa: Path, document: str) -> None:
    for question in (
        ("eval", "--format=values", "-d", "policies/rego", "-i", document, "data.regate.decision"),
        ("exec", "--bundle", "policies/rego", "--decision", "regate/decision", document),
    ):
        ended = run(home, opa, *question)
        assert '"action": "allow"' in ended.stdout, ended.stderr


@pytest.mark.parametrize("folder", ["policies", "."])
def test_opa_eval_of_other_folders_says_what_to_load(
    home: Path, opa: Path, document: str, folder: str
) -> None:
    ended = run(home, opa, "eval", "-d", folder, "-i", document, "data.regate.decision")
    assert '"action": "deny"' in ended.stdout
    assert "opa must load policies/rego itself" in ended.stdout


def test_conftest_finds_the_decision(home: Path, opa: Path, document: str) -> None:
    """By what Conftest asks for: deny and warn of package main."""
    about = json.loads(Path(document).read_text())
    unknown = Path(document).with_name("unknown.json")
    unknown.write_text(json.dumps({**about, "agent": {**about["agent"], "id": ""}}))
    found = {}
    for name, file in (("input", document), ("unknown", str(unknown))):
        data = ("-d", "policies/rego", "-d", "policy_tests/conftest.rego", "-i", file)
        ended = run(home, opa, "eval", "--format=json", *data, "data.main.deny")
        found[name] = json.loads(ended.stdout)["result"][0]["expressions"][0]["value"]
    assert found["input"] == []
    assert found["unknown"] == [
        "deny: access.unknown_agent: the caller is not a known agent",
        "deny: regate.no_allow: no rule allows this request",
    ]


def test_regal_s_own_rules_are_switched_on_and_in_format(opa: Path) -> None:
    names = {path.parent.name for path in OWN}
    assert names == CONFIG["rules"]["regate"].keys()
    assert {each["level"] for each in CONFIG["rules"]["regate"].values()} == {"error"}
    assert run(ROOT, opa, "fmt", "--list", ".regal").stdout == ""
    for path in OWN:
        package = re.search(
            r'^package custom\.regal\.rules\.regate(?:\["|\.)([\w-]+)', path.read_text(), re.M
        )
        assert package is not None
        assert package[1] == path.parent.name


def test_each_rule_of_regal_that_is_set_otherwise_says_why() -> None:
    lines = (ROOT / ".regal/config.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"    [\w-]+:", line) and "{level: error}" not in line:
            assert lines[number - 1].lstrip().startswith("#"), line


def _regal() -> str:
    return os.environ.get("REGATE_REGAL") or shutil.which("regal") or ""


@pytest.mark.skipif(not _regal(), reason="regal is not here")
def test_regal_finds_nothing(home: Path) -> None:
    ended = run(home, _regal(), "lint", "policies", "policy_tests")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.skipif(not _regal(), reason="regal is not here")
def test_regal_finds_what_regate_demands(home: Path) -> None:
    file = home / "policies/rego/rules/night.rego"
    file.write_text(FAULTY)
    try:
        ended = run(home, _regal(), "lint", "--format=json", "policies")
    finally:
        file.unlink()
    found = {each["title"] for each in json.loads(ended.stdout)["violations"] if each["category"] == "regate"}
    assert found == {"topic-metadata", "entrypoint", "rule-name"}
