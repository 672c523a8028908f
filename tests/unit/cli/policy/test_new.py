"""`regate policy new` writes a topic that is in order, tested and covered at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import TESTS


@pytest.fixture
def folders(policy: Path, tmp_path: Path) -> tuple[str, ...]:
    """Options that name copies of the library and of its tests."""
    tests = tmp_path / "tests"
    shutil.copytree(TESTS, tests)
    return ("--path", str(policy), "--tests", str(tests))


def test_the_new_topic_is_in_order_and_its_cases_pass(
    machine: str, folders: tuple[str, ...], policy: Path
) -> None:
    made = regate("new", "night_shift", *folders)
    assert made.exit_code == 0, made.output
    assert f"wrote {policy}/rules/night_shift.rego" in made.stdout
    checked = regate("check", *folders)
    assert checked.exit_code == 0, checked.output
    tested = regate("test", *folders)
    assert tested.exit_code == 0, tested.output
    assert "coverage: 100 %" in tested.stdout


def test_its_cases_fail_without_its_rule(machine: str, folders: tuple[str, ...], policy: Path) -> None:
    for others in (*Path(folders[-1]).glob("cases/*.yaml"), *Path(folders[-1]).glob("*_test.rego")):
        if others.name != "cases_test.rego":  # what runs the cases
            others.unlink()
    regate("new", "night", *folders)
    rule = policy / "rules/night.rego"
    rule.write_text(rule.read_text().replace("input.phase ==", "input.phase !="))
    tested = regate("test", *folders)
    assert tested.exit_code == 1
    assert "night: an agent on the list is denied" in tested.stdout
    assert "night: a completion was asked about when it was a prompt" in tested.stdout


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("Night", "expected small letters"),
        ("night-shift", "expected small letters"),
        ("../night", "expected small letters"),
        ("", "expected small letters"),
        ("n" * 42, "expected small letters"),
        ("import", "no word of Rego"),
        ("tools", r"it is there already: .*rules/tools\.rego"),
        ("groups", r"settings\.groups is taken"),
    ],
)
def test_a_name_that_cannot_be_a_topics_is_refused(
    machine: str, folders: tuple[str, ...], policy: Path, topic: str, message: str
) -> None:
    before = sorted(policy.rglob("*"))
    with pytest.raises(ConfigError, match=message):
        raise regate("new", topic, *folders).exception or AssertionError("it was written")
    assert sorted(policy.rglob("*")) == before


def test_what_is_there_stays(machine: str, folders: tuple[str, ...], policy: Path) -> None:
    cases = Path(folders[-1]) / "cases/night.yaml"
    cases.write_text("night: {}\n")
    assert isinstance(regate("new", "night", *folders).exception, ConfigError)
    assert cases.read_text() == "night: {}\n"
    assert not (policy / "rules/night.rego").exists()


def test_tests_that_cannot_run_cases_are_refused(machine: str, policy: Path, tmp_path: Path) -> None:
    run = regate("new", "night", "--path", str(policy), "--tests", str(tmp_path / "none"))
    assert "expected fixtures.rego and cases_test.rego" in str(run.exception)
