"""Waivers are listed, and one that has run out is a fault with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.configuration import edit_settings
from tests.unit.cli.policy.conftest import refused, regate

WAIVER = {"rule": "access.model", "reason": "old", "ticket": "SEC-1", "approved_by": "dana"}


def test_no_waivers_are_in_order(machine: str, root: Path) -> None:
    run = regate("waivers")
    assert (run.exit_code, run.stdout) == (0, "no waivers\n")


def test_waivers_are_listed_and_those_that_ran_out_fail(machine: str, root: Path, policy: Path) -> None:
    holding = {**WAIVER, "agent": "bot", "until": "2199-01-01T00:00:00Z"}
    edit_settings(policy, {"waivers": [holding]})
    assert regate("waivers").exit_code == 0
    edit_settings(policy, {"waivers": [holding, {**WAIVER, "until": "2020-01-01T00:00:00+01:00"}]})
    run = regate("waivers")
    assert run.exit_code == 1
    assert run.stdout.splitlines() == [
        "SEC-1  access.model for agent bot, until 2199-01-01T00:00:00Z, approved by dana: old",
        "SEC-1  access.model for everyone, ran out on 2020-01-01T00:00:00+01:00, approved by dana: old",
    ]
    assert [each["expired"] for each in json.loads(regate("waivers", "--json").stdout)] == [False, True]
    checked = regate("check").stderr
    assert f"{policy}/settings/data.yaml:" in checked
    assert "the waiver SEC-1 of access.model ran out on 2020-01-01T00:00:00+01:00; remove it" in checked


@pytest.mark.parametrize(
    "changes", [{"until": "2026-12-31"}, {"ticket": ""}, {"agnt": "bot"}, {"rule": None}]
)
def test_a_waiver_of_another_shape_is_refused(
    machine: str, root: Path, policy: Path, changes: dict[str, object]
) -> None:
    waiver = {**WAIVER, "until": "2199-01-01T00:00:00Z", **changes}
    edit_settings(policy, {"waivers": [waiver]})
    assert "settings.waivers.0" in refused("waivers")
