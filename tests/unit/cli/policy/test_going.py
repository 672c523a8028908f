"""Keys of the input that go are named with what takes their place, and fail nothing yet."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.policy.conftest import regate

RULE = """# METADATA
# title: Nights
# description: Few requests.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.night

# METADATA
# title: Few requests
verdicts contains {
	"action": "deny",
	"rule": "night.requests",
	"title": "Too many requests",
	"message": "too many requests",
	"severity": "low",
	"controls": [],
} if {
	input.usage.requests_1d > 5 # not input.usage.tokens_1m
	input.usage.cost_1d > 1
}
"""


def test_the_flat_keys_of_usage_are_said_to_go(machine: str, root: Path, policy: Path) -> None:
    (policy / "rules" / "night.rego").write_text(RULE)
    run = regate("check", "--json")
    told = json.loads(run.stdout)["going"]
    assert [(each["line"], each["what"], each["todo"]) for each in told] == [
        (18, "input.usage.requests_1d goes with the next release", 'read input.usage.agent.requests["1d"]'),
        (
            19,
            "input.usage.cost_1d goes with the next release",
            'read input.usage.agent.cost_micros["1d"], in millionths',
        ),
    ]
    said = regate("check")
    assert said.exit_code == 0
    assert "night.rego:18: input.usage.requests_1d goes with the next release" in said.stderr


def test_nothing_of_the_shipped_policy_goes(machine: str, root: Path, policy: Path) -> None:
    assert json.loads(regate("check", "--json").stdout)["going"] == []
