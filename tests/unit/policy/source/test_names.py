"""A name in the settings that names nothing is a fault, wherever it stands, with what was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config, Detect, Provider
from gateway.config.settings import CustomEntity
from gateway.policy import PolicySource, load_source
from gateway.policy.source.names import built_in, unknown_names
from tests.unit.policy.conftest import LIBRARY

NAMES = {
    "entity": ["US_SSN", "EMAIL_ADDRESS", "PRIVATE_KEY"],
    "dialect": ["openai.chat", "mcp"],
    "provider": ["demo", "house"],
    "group": ["default", "dpo", "research"],
    "agent": ["alice"],
    "rule": ["access.model", "pii.*"],
}
DEMO = {"demo": Provider("openai", "builtin:demo")}
PHASES = {"request": {"action": "deny"}}


def told(settings: dict[str, Any], root: Path = Path("policy.tar.gz")) -> list[str]:
    source = PolicySource(root, {}, json.dumps({"settings": settings}).encode(), "r")
    return [str(fault) for fault in unknown_names(source, NAMES)]


@pytest.mark.parametrize(
    ("settings", "place", "fault"),
    [
        (
            {"entities": {"US_SNN": PHASES}},
            "entities.US_SNN",
            "no detector finds US_SNN; did you mean US_SSN?",
        ),
        (
            {"groups": {"research": {"entities": {"private_key": PHASES}}}},
            "groups.research.entities.private_key",
            "no detector finds private_key; did you mean PRIVATE_KEY?",
        ),
        (
            {"providers": {"demo": {"entities": {"PRIVAT_KEY": PHASES}}}},
            "providers.demo.entities.PRIVAT_KEY",
            "no detector finds PRIVAT_KEY; did you mean PRIVATE_KEY?",
        ),
        (
            {"dialects": {"mcp": {"entities": {"X": PHASES}}}},
            "dialects.mcp.entities.X",
            "no detector finds X; expected one of EMAIL_ADDRESS, PRIVATE_KEY, US_SSN",
        ),
        ({"dialects": {"mpc": {}}}, "dialects.mpc", "no dialect is called mpc; did you mean mcp?"),
        (
            {"endpoints": {"dialects": ["mcp", "openai.chatt"]}},
            "endpoints.dialects.1",
            "no dialect is called openai.chatt; did you mean openai.chat?",
        ),
        (
            {"providers": {"demoo": {}}},
            "providers.demoo",
            "regate.yaml has no provider demoo; did you mean demo?",
        ),
        (
            {"groups": {"default": {"providers": ["*", "azure-*"]}}},
            "groups.default.providers.1",
            "regate.yaml has no provider azure-*; expected one of demo, house",
        ),
        (
            {"groups": {"reserch": {}}},
            "groups.reserch",
            "no key has the group reserch; did you mean research?",
        ),
        ({"agents": {"alicee": {}}}, "agents.alicee", "no key is of the agent alicee; did you mean alice?"),
        (
            {"log_only": ["access.modle"]},
            "log_only.0",
            "no verdict has the name access.modle; did you mean access.model?",
        ),
        (
            {"waivers": [{"rule": "acess.*"}]},
            "waivers.0.rule",
            "no verdict has the name acess.*; did you mean access.model?",
        ),
        (
            {"approval": {"groups": ["dpoo"]}},
            "approval.groups.0",
            "no key has the group dpoo; did you mean dpo?",
        ),
    ],
)
def test_a_name_that_names_nothing_is_told(settings: dict[str, Any], place: str, fault: str) -> None:
    assert told(settings) == [f"policy.tar.gz: settings.{place}: {fault}"]


def test_names_that_exist_are_in_order() -> None:
    assert not told(
        {
            "entities": {"US_SSN": PHASES},
            "groups": {"default": {"providers": ["d*", "{demo,other}"]}, "night shift": {}},
            "agents": {"night-shift-7": {}},
            "log_only": ["access.model", "pii.EMAIL"],
            "waivers": [{"rule": "access.*"}, {"rule": "*"}],
            "approval": {"groups": ["dpo"]},
            "endpoints": {"dialects": ["mcp"]},
        }
    )


@pytest.mark.parametrize(
    "settings", [{"entities": 7}, {"groups": ["x"]}, {"endpoints": {"dialects": [7]}}, {}]
)
def test_settings_of_another_shape_are_left_to_the_schema(settings: dict[str, Any]) -> None:
    assert not [fault for fault in told(settings) if "dialect" in fault or "entities" in fault]


def test_a_fault_has_file_and_line(policy: Path) -> None:
    file = policy / "settings/data.yaml"
    file.write_text(file.read_text().replace("  US_SSN:", "  US_SNN:"))
    line = file.read_text().split("US_SNN")[0].count("\n") + 1
    [fault] = told({"entities": {"US_SNN": PHASES}}, policy)
    assert fault.startswith(f"{file}:{line}: settings.entities.US_SNN: ")


def test_what_exists_comes_from_the_product_and_its_configuration() -> None:
    badge = CustomEntity(entity="BADGE", patterns=("B-[0-9]+",))
    names = built_in(Config(providers=DEMO, detect=Detect(custom=(badge,))))
    assert {"BADGE", "US_SSN", "TOOL_CHANGED"} <= set(names["entity"])
    assert {"openai.chat", "mcp", "opaque"} <= set(names["dialect"])


def test_the_library_names_what_exists() -> None:
    assert not list(unknown_names(load_source(LIBRARY), built_in(Config(providers=DEMO))))
