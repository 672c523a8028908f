"""A key that is misspelt must not switch a rule off, or prove a case, in silence: each one is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.policy.cases import Case, case_faults, read_cases
from cli.policy.check import _unspoken
from gateway.contract import ENTITIES
from gateway.dialects import dialect_names
from gateway.errors import ConfigError
from gateway.policy import PolicySource, load_source
from gateway.policy.source import unknown_names
from gateway.policy.source.source import source_of
from tests.unit.policy.conftest import LIBRARY, TESTS

Steps = tuple[Any, ...]
READER = "lib/settings.rego"  # the module that makes settings those of the library
WAIVER = {"rule": "access.model", "reason": "r", "ticket": "T", "approved_by": "dana"}
# What the shipped settings leave empty, filled as their comments say.
FILLED: dict[str, Any] = {
    "groups": {
        "default": {"providers": ["*"], "models": ["*"], "budgets": {"requests_1m": 60}},
        "support": {
            "models": ["gpt-*"],
            "only": {"models": ["gpt-4.1*"], "tools": ["search_*"]},
            "deny": {"tools": ["*delete*"]},
            "entities": {"EMAIL_ADDRESS": {"request": {"action": "allow"}}},
        },
    },
    "providers": {"house": {"models": ["*"], "categories": {"pii": {"request": {"action": "allow"}}}}},
    "agents": {"mail-bot": {"only": {"tools": ["send_mail"]}}},
    "waivers": [{**WAIVER, "agent": "billing-*", "group": "support", "until": "2027-03-31T00:00:00Z"}],
    "log_only": ["access.model"],
}
# Below these, names are those of callers and of regate.yaml.
_CHOSEN = ("arguments", "claims", "labels", "provider_labels", "pins", "tags")
NAMES = {
    "entity": list(ENTITIES),
    "dialect": list(dialect_names()),
    "provider": ["house", "demo"],
    "group": ["default", "support"],
    "agent": ["mail-bot"],
    "rule": ["access.model"],
}


@pytest.fixture(scope="module")
def library() -> PolicySource:
    return load_source(LIBRARY)


def test_every_misspelt_key_of_the_settings_is_refused(library: PolicySource) -> None:
    settings = {**yaml.safe_load((LIBRARY / "settings/data.yaml").read_text()), **FILLED}
    assert _refusals(library, settings) == []
    mutants = list(_misspelt(settings))
    assert len(mutants) > 100
    assert [steps for steps, mutant in mutants if not _refusals(library, mutant)] == []


@pytest.mark.parametrize("path", sorted((TESTS / "cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_misspelt_key_of_a_case_is_refused(library: PolicySource, path: Path) -> None:
    cases = [case for case in read_cases(TESTS) if case.path == path]
    mutants = [
        replace(case, title=f"{case.title} {list(steps)}", about=about)
        for case in cases
        for steps, about in _misspelt(case.about)
        if not _is_free(case, steps)
    ]
    assert len(mutants) > 2 * len(cases)
    refused = {fault.what.partition("]: ")[0] + "]" for fault in case_faults(mutants, library)}
    assert [each.name for each in mutants if each.name not in refused] == []


def _is_free(case: Case, steps: Steps) -> bool:
    """Return whether callers choose the key, the case breaks this part on purpose, or it is about others."""
    if case.about.get("broken") and steps[0] in ("input", "settings", "broken"):
        return True
    if len(steps) == 3 and steps[1] in ("groups", "providers", "agents"):
        asked = json.dumps(case.about.get("input", {}))
        return steps[2] != "default" and f'"{steps[2]}"' not in asked
    return any(name in steps[:-1] for name in _CHOSEN)


def _misspelt(document: Any, at: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield the document once for each of its keys, with that key misspelt, and the steps to it."""
    if isinstance(document, list):
        for place, value in enumerate(document):
            for steps, mutant in _misspelt(value, (*at, place)):
                yield steps, [*document[:place], mutant, *document[place + 1 :]]
    elif isinstance(document, dict):
        for key, value in document.items():
            rest = {name: other for name, other in document.items() if name != key}
            yield (*at, key), {**rest, f"{key}{key[-1]}": value}
            for steps, mutant in _misspelt(value, (*at, key)):
                yield steps, {**document, key: mutant}


def _refusals(library: PolicySource, settings: Any) -> list[str]:
    """Return what `regate policy check` says of the settings, without the rules of each topic."""
    files = {READER: library.modules[READER], "settings/data.yaml": json.dumps(settings)}
    try:
        source = source_of(LIBRARY, files, "r")
    except ConfigError as error:
        return [str(error)]
    return [*map(str, _unspoken(source)), *map(str, unknown_names(source, NAMES))]
