"""A rule that did not speak is told with the condition where it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.almost import almost, verdicts_of
from cli.policy.opa_tests import traced
from gateway.policy.source import Tables

NIGHT = """package regate.rules.night

verdicts contains {"rule": "night.interns"} if {
	input.phase == "request"
	"interns" in input.groups
	not _open
}

verdicts contains {"rule": "night.far"} if {
	input.phase == "request"
	"owls" in input.groups
	input.hour > 22
	input.hour < 6
}

verdicts contains {"rule": "night.first"} if {
	input.phase == "response"
	_open
}

verdicts contains {"rule": sprintf("shift.%s", [name])} if {
	some name in input.groups
	name != "interns"
	name != "nobody"
}

verdicts contains {"rule": "night.table"} if {
	some name in input.groups
	data.tables.shifts[name]
	_open
	input.hour > 22
}

_open if input.hour < 22
"""
FILE = "rules/night.rego"
DOCUMENT = {"phase": "request", "groups": ["interns", "day"], "hour": 9}
QUERY = "data.regate.rules.night.verdicts"


def told(opa: Path, folder: Path, *wanted: str) -> list[str]:
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_text(NIGHT)
    steps = traced(opa, [folder], QUERY, DOCUMENT, Tables({}, b'{"shifts":{"day":"early"}}'))
    return [
        str(each).replace(str(folder.resolve()), "")
        for each in almost(verdicts_of(opa, folder), steps, wanted)
    ]


NEAR = [
    "night.table stops at /rules/night.rego:31: input.hour > 22",
    "night.interns stops at /rules/night.rego:6: not _open",
]


def test_rules_that_stop_at_their_last_conditions_are_told_the_nearest_first(
    opa: Path, tmp_path: Path
) -> None:
    """Not one that stops early, nor one that spoke of another group; tables are those of the policy."""
    assert told(opa, tmp_path) == NEAR


@pytest.mark.parametrize(
    ("wanted", "stops"),
    [
        ("night.far", 'night.far stops at /rules/night.rego:11: "owls" in input.groups'),
        ("night.first", 'night.first stops at /rules/night.rego:17: input.phase == "response"'),
    ],
)
def test_a_rule_that_should_have_spoken_is_told_wherever_it_stops(
    opa: Path, tmp_path: Path, wanted: str, stops: str
) -> None:
    assert told(opa, tmp_path, wanted) == [stops, *NEAR]
