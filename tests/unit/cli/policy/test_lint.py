"""What Regate wants of a rule beside what OPA's compiler does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.policy.lint import lint, open_objects
from cli.policy.syntax import parse_all
from tests.unit.policy.conftest import LIBRARY

ABOUT = "# METADATA\n# title: Night\n# description: Rest at night.\n"
TITLED = "# METADATA\n# title: A title\n"

Linted = Callable[[str], list[str]]


@pytest.fixture
def linted(opa: Path, tmp_path: Path) -> Linted:
    """Returns the faults of a file of the topic night, without the file's name."""

    def faults(rules: str, about: str = ABOUT) -> list[str]:
        file = tmp_path / "night.rego"
        file.write_text(f"{about}package regate.rules.night\n\n{rules}")
        (module,) = parse_all(opa, [file])
        return [str(fault).removeprefix(f"{file}:") for fault in lint(module)]

    return faults


def test_the_library_has_no_fault(opa: Path) -> None:
    modules = parse_all(opa, sorted(LIBRARY.rglob("*.rego")))
    assert len(modules) > 5
    assert [str(fault) for module in modules for fault in lint(module)] == []


def test_the_keys_that_clients_choose_are_those_of_the_input_without_a_schema_of_their_own() -> None:
    assert {"tool_calls.[].arguments", "agent.claims"} <= open_objects()
    assert not {"agent", "agent.id", "tool_calls.[].name"} & open_objects()


def test_a_key_that_a_client_chooses_is_read_with_a_default(linted: Linted) -> None:
    """The same path of the policy's own data is no client's."""
    assert linted('_x if object.get(input.agent.claims, "team", "") == "red"\n') == []
    assert linted("_x if data.settings.claims.team\n") == []
    assert linted("_x if {\n\tsome call in input.tool_calls\n\tcall.name\n}\n") == []
    (fault,) = linted('_x if input.agent.claims.team == "red"\n')
    assert fault == (
        "6: input.agent.claims.team is undefined where input.agent.claims has no such key; "
        'write object.get(input.agent.claims, "team", …)'
    )


def test_a_variable_with_a_clients_keys_is_known_by_what_it_was_given(linted: Linted) -> None:
    (fault,) = linted("_x if {\n\tgiven := input.tool_calls[0].arguments\n\tgiven.path\n}\n")
    assert fault.startswith("8: given.path is undefined where given has no such key")


def test_a_rule_is_titled_once_and_each_verdict_by_itself(linted: Linted) -> None:
    """A rule whose name begins with an underscore is the topic's own."""
    assert linted(f"{TITLED}x := 1 if input.model\n\nx := 2 if input.path\n\n_y := 1\n") == []
    verdicts = (
        "verdicts contains _a if input.model\n\nverdicts contains _b if input.path\n\n_a := 1\n\n_b := 2\n"
    )
    assert [fault.partition(" in METADATA")[0] for fault in linted(TITLED + verdicts)] == [
        "10: rule verdicts has no title"
    ]


def test_a_built_in_of_which_a_name_is_a_part_is_no_fault(linted: Linted) -> None:
    assert linted("_x if time.now_ns_of_ours\n\n_y if count([]) == 0\n") == []
    assert [fault.partition(";")[0] for fault in linted("_x if time.now_ns() > 0\n")] == [
        "6: time.now_ns is refused"
    ]


@pytest.mark.parametrize(
    "rules",
    [
        "verdicts contains _verdict if input.model\n\n_verdict := 1\n",
        'verdicts contains {"action": "dney", concat("", ["ru", "le"]): "x"} if input.model\n',
    ],
)
def test_a_verdict_that_only_the_engine_knows_is_left_to_it(linted: Linted, rules: str) -> None:
    """It is computed, or one of its keys is."""
    assert linted(TITLED + rules) == []


def test_another_package_may_say_verdicts_as_it_likes(opa: Path, tmp_path: Path) -> None:
    """Only topics, `regate.rules.…`, are asked for verdicts."""
    file = tmp_path / "own.rego"
    file.write_text(
        f'{ABOUT}package regate.own\n\n{TITLED}verdicts contains {{"action": "dney"}} if input.model\n'
    )
    (module,) = parse_all(opa, [file])
    assert list(lint(module)) == []


def test_what_others_read_is_not_to_be_renamed(opa: Path, tmp_path: Path, linted: Linted) -> None:
    """The gateway asks for the decision, and every rule reads the library."""
    (fault,) = linted("night := true\n")
    assert fault.endswith("or call it _night")
    (fault,) = linted('verdicts contains {"action": "deny"} if false\n')[:1]
    assert "_verdicts" not in fault
    for package, rule in (("regate", "decision"), ("regate.lib.clock", "night")):
        file = tmp_path / "other.rego"
        file.write_text(f"{ABOUT}package {package}\n\n{rule} := true\n")
        (fault,) = map(str, lint(*parse_all(opa, [file])))
        assert fault.endswith("write # METADATA and # title: … above it"), fault


def test_metadata_does_not_put_a_rule_on_trial(linted: Linted) -> None:
    verdict = (
        'verdicts contains {"action": "deny", "rule": "night.x", "title": "x", "message": "x", '
        '"severity": "low", "controls": []%s} if input.agent.id == ""\n'
    )
    about = "# METADATA\n# title: A title\n# custom: {log_only: true}\n"
    assert linted(about + verdict % ', "log_only": true') == []
    (fault,) = linted(about + verdict % "")
    assert fault.endswith('write "log_only": true into the verdict')
