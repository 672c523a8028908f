"""Case files, held against the contract: a misspelt key in a case would prove nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from cli.policy.faults import PolicyFault
from cli.rego_tests import hidden, read_document
from gateway.contract import ENTITIES, schema_of
from gateway.dialects import dialect_names
from gateway.errors import ConfigError
from gateway.policy import PolicySource
from gateway.policy.source import (
    FORMATS,
    SETTINGS,
    Names,
    closest,
    declared,
    hint,
    is_library,
    line_in,
    misnamed,
)

_FOLDER = "cases"
SAID = ("rules", "warnings")  # the rules of the decision's reasons, and of its warnings
# What a whole document must have, and a part of one need not.
_WHOLE = ("required", "if", "then", "else")
_MAY_BREAK = ("input", "settings")
_KINDS = ("entity", "dialect", "provider", "group", "agent")
_RULE = re.compile(r'"rule": (?:"([^"]*)"|(?=\S))|_deny\(\s*"([^"]*)"')
_TOPIC = re.compile(r"^package regate\.rules\.(\w+)", re.MULTILINE)
_BASE = {"provider": "openai", "agent": "support-bot"}  # of policy_tests/fixtures.rego


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as its file has it, and where it stands."""

    path: Path
    line: int
    topic: str
    title: str
    about: Any
    text: str = field(repr=False)  # of the whole file

    @property
    def name(self) -> str:
        """The name of its test."""
        return f"{self.topic}: {self.title}"


def read_cases(folder: Path) -> Iterator[Case]:
    """Yield the cases below the folder of the tests. Raises ConfigError on a file that cannot be read."""
    for path in sorted((folder / _FOLDER).glob("*.*")):
        if path.suffix not in (".yaml", ".yml", ".json") or hidden(folder, path):
            continue
        text = path.read_text("utf-8")
        for topic, cases in read_document(path).items():
            if not isinstance(cases, dict):
                raise ConfigError(
                    f"{path}:{line_in(text, (topic,))}: {topic}: expected cases by their titles"
                )
            for title, about in cases.items():
                yield Case(path, line_in(text, (topic, title)), topic, str(title), about, text)


def case_faults(cases: Iterable[Case], source: PolicySource) -> Iterator[PolicyFault]:
    """Yield what no case can mean: keys and values that input, settings and decision do not have.

    A case that is `broken: true` shows what policy makes of input or settings of another shape, and must have
    some.
    """
    validator = Draft7Validator(_schema(source), format_checker=FORMATS)
    for case in cases:
        yield from _slips(case, source)
        faults = sorted(
            validator.iter_errors(case.about), key=lambda fault: list(map(str, fault.absolute_path))
        )
        if isinstance(case.about, dict) and case.about.get("broken") is True:
            meant = [
                fault for fault in faults if fault.absolute_path and fault.absolute_path[0] in _MAY_BREAK
            ]
            faults = [fault for fault in faults if fault not in meant]
            if not meant:
                told = f"{case.name}: broken: its input and settings are in order"
                yield PolicyFault(str(case.path), case.line, told, "remove it")
        for fault in faults:
            steps = ".".join(map(str, fault.absolute_path))
            at = f"{steps}: " if steps else ""
            line = line_in(case.text, (case.topic, case.title, *fault.absolute_path))
            yield PolicyFault(str(case.path), line, f"{case.name}: {at}{fault.message}", hint(fault))


def verdict_names(source: PolicySource) -> list[str]:
    """Return the names of verdicts; those of a topic that computes some are a glob."""
    return sorted({name for text in source.modules.values() for name in names_in(text, text)})


def names_in(package: str, rules: str) -> Iterator[str]:
    """Yield the names of verdicts in the text of rules; `package` is a text that names their topic."""
    topic = _TOPIC.search(package)
    for name in map("".join, _RULE.findall(rules)):
        if name or topic:
            yield name or f"{topic[1] if topic else ''}.*"


def _slips(case: Case, source: PolicySource) -> Iterator[PolicyFault]:
    """Find names of rules, and names in the settings of a case, that are nearly one that exists."""
    said = [(key, case.about.get(key)) for key in SAID] if isinstance(case.about, Mapping) else []
    known = verdict_names(source)
    for key, index, name in [
        (key, index, name)
        for key, names in said
        if isinstance(names, list)
        for index, name in enumerate(names)
    ]:
        is_one = not isinstance(name, str) or any(fnmatchcase(name, each) for each in known)
        if not is_one and (meant := closest(name, known)):
            line = line_in(case.text, (case.topic, case.title, key, index))
            told = f"{case.name}: {key}.{index}: no verdict has the name {name}"
            yield PolicyFault(str(case.path), line, told, f"did you mean {meant}?")
    settings = case.about.get("settings") if isinstance(case.about, Mapping) else None
    if not isinstance(settings, Mapping):
        return
    for steps, told in misnamed(settings, _names(case, source), _KINDS):
        at = ("settings", *steps)
        line = line_in(case.text, (case.topic, case.title, *at))
        yield PolicyFault(str(case.path), line, f"{case.name}: {'.'.join(map(str, at))}: {told}")


def _names(case: Case, source: PolicySource) -> Names:
    """Return what exists for a case: what its input names, and what the policy's own settings do."""
    given = case.about.get("input")
    asked: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    agent = asked.get("agent")
    caller: Mapping[str, Any] = agent if isinstance(agent, Mapping) else {}
    rows = [row for row in asked.get("findings") or () if isinstance(row, Mapping)]
    own = source.data.get(SETTINGS, {})
    return {
        "entity": [*ENTITIES, *own.get("entities", {}), *(str(row.get("entity", "")) for row in rows)],
        "dialect": [*dialect_names(), *own.get("dialects", {}), str(asked.get("dialect", ""))],
        "provider": [*own.get("providers", {}), str(asked.get("provider", _BASE["provider"]))],
        "group": [*own.get("groups", {}), *map(str, caller.get("groups") or ())],
        "agent": [*own.get("agents", {}), str(caller.get("id", _BASE["agent"]))],
    }


def _schema(source: PolicySource) -> dict[str, Any]:
    return {
        "definitions": _partial(schema_of("settings"))["definitions"],
        "type": "object",
        "properties": {
            "base": {"type": "string"},
            "input": _partial(schema_of("input")),
            "settings": _settings(source),
            "tables": {"type": "object"},
            "decision": {**_partial(schema_of("decision")), "minProperties": 1},
            **{said: {"type": "array", "items": {"type": "string"}} for said in SAID},
            "broken": {"const": True},
        },
        "required": ["base", "decision"],
        "additionalProperties": False,
    }


def _settings(source: PolicySource) -> dict[str, Any]:
    """Return the shape of a part of the settings; names of which nothing is said may hold anything."""
    known: dict[str, Any] = {name: {} for name in source.data.get(SETTINGS, {})}
    for name, text in source.modules.items():
        for steps, schema in declared(source.root / name, text):
            known[steps[0]] = _partial(schema) if len(steps) == 1 else {}
    if is_library(source):
        known |= _partial(schema_of("settings"))["properties"]
    return {"type": "object", "properties": known, "additionalProperties": False}


def _partial(schema: Any) -> Any:
    """Return the shape of a part of what the schema describes."""
    if isinstance(schema, list):
        return [_partial(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: {name: _partial(each) for name, each in value.items()}
        if key == "properties"
        else _partial(value)
        for key, value in schema.items()
        if key not in _WHOLE
    }
