"""The settings' shape: what the shipped rules read, and what a topic of one's own says in its METADATA."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from gateway.config import compose
from gateway.contract import schema_of
from gateway.errors import ConfigError
from gateway.policy.source.annotations import metadata
from gateway.policy.source.formats import FORMATS, expected, formats_in
from gateway.policy.source.hints import hint

SETTINGS = "settings"
_SPOKEN_OF = re.compile(r"data\.settings((?:\.[A-Za-z_]\w*)+)")
_MOST = 50  # faults that are told of one schema


def library_faults(root: Path, files: Mapping[str, str], data: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Yield where the settings differ from what the shipped rules read.

    A misspelt key would switch a denial off in silence.
    """
    yield from _faults(root, files, (), data.get(SETTINGS, {}), schema_of("settings"))


def topic_faults(
    root: Path, files: Mapping[str, str], data: Mapping[str, Any], name: str
) -> Iterator[ConfigError]:
    """Yield where the settings differ from what the module `name` declares in its package's METADATA.

    A declaration is an entry of `schemas` with a JSON Schema (draft 7): `- data.settings.night: {…}`.
    OPA's strict check reads the same entry, so a rule that misspells a setting is found as well.
    """
    path = root / name
    for steps, schema in declared(path, files[name]):
        try:
            Draft7Validator.check_schema(schema)
        except (SchemaError, RecursionError) as error:
            why = error.message if isinstance(error, SchemaError) else str(error)
            yield ConfigError(
                f"{path}:1: METADATA: the schema of {_dotted(steps)} is no JSON Schema: {why[:300]}"
            )
            continue
        if unknown := sorted(formats_in(schema) - FORMATS.checkers.keys()):
            yield ConfigError(
                f"{path}:1: METADATA: the schema of {_dotted(steps)} wants the format {', '.join(unknown)}, "
                f"which is not looked at; expected one of {', '.join(sorted(FORMATS.checkers))}"
            )
        value: Any = data.get(SETTINGS, {})
        for step in steps:
            value = value.get(step, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is _ABSENT:
            yield ConfigError(
                f"{path}:1: METADATA speaks of {_dotted(steps)}, which is in no data file; "
                f"expected it in {root / SETTINGS}"
            )
        else:
            yield from _faults(root, files, steps, value, schema)


def declared(path: Path, text: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each setting with a schema in the module's METADATA: its path below `settings`, the schema.

    Raises ConfigError when the METADATA cannot be read.
    """
    for block in metadata(path, text, of_package=True):
        schemas = block.about.get("schemas", []) if isinstance(block.about, dict) else []
        for entry in schemas if isinstance(schemas, list) else []:
            for name, schema in entry.items() if isinstance(entry, dict) else ():
                spoken_of = _SPOKEN_OF.fullmatch(str(name))
                if spoken_of and isinstance(schema, dict):
                    yield tuple(spoken_of.group(1).split(".")[1:]), schema


_ABSENT = object()


def first_fault(value: Any, schema: Any) -> str:
    """Return where a value differs from a schema, and how; "" when it does not.

    Raises SchemaError on a schema that is none or cannot be applied.
    """
    try:
        Draft7Validator.check_schema(schema)
        validator = Draft7Validator(schema, registry=Registry(), format_checker=FORMATS)
        fault = next(validator.iter_errors(value), None)
    except (Unresolvable, re.error, RecursionError, ArithmeticError) as error:
        raise SchemaError(str(error)) from error
    return f"{'.'.join(map(str, fault.absolute_path))}: {_brief(fault)}" if fault else ""


def _faults(
    root: Path, files: Mapping[str, str], steps: tuple[str, ...], value: Any, schema: Mapping[str, Any]
) -> Iterator[ConfigError]:
    # a registry of its own: a reference to another document is an error, not a download
    validator = Draft7Validator(schema, registry=Registry(), format_checker=FORMATS)
    try:
        found = sorted(validator.iter_errors(value), key=lambda fault: [str(s) for s in fault.absolute_path])
    except (Unresolvable, re.error, RecursionError, ArithmeticError) as error:
        yield ConfigError(f"{root}: the schema of {_dotted(steps)} cannot be applied: {error}")
        return
    for fault in found[:_MOST]:
        at = (*steps, *fault.absolute_path)
        meant = f"; {told}" if fault.validator != "format" and (told := hint(fault)) else ""
        yield ConfigError(f"{place_of(root, files, at)}: {_dotted(at)}: {_brief(fault)}{meant}")


def _brief(fault: ValidationError) -> str:
    """Return the fault's own words, and cut the value that they begin with when it is long."""
    if fault.validator == "not" and isinstance(fault.schema, Mapping):  # the schema says what takes its place
        return str(fault.schema.get("description", fault.message))
    if fault.validator == "format" and (wanted := expected(str(fault.validator_value))):
        return f"found {str(fault.instance)[:120]!r}; expected {wanted}"
    value = repr(fault.instance)
    return fault.message.replace(value, f"{value[:120]}…" if len(value) > 120 else value)[:500]


def _dotted(steps: tuple[Any, ...]) -> str:
    return ".".join([SETTINGS, *(str(step) for step in steps)])


def place_of(root: Path, files: Mapping[str, str], steps: tuple[Any, ...]) -> str:
    """Return file and line of a setting, or of the nearest thing above it that is written down."""
    found = [
        (len(folders) + depth, f"{root / name}:{line}")
        for name, text in files.items()
        if not name.endswith(".rego")
        for folders in [name.split("/")[1:-1]]
        if list(steps[: len(folders)]) == folders
        for depth, line in [_line(text, steps[len(folders) :])]
    ]
    return max(found, default=(0, str(root / SETTINGS)))[1]


def line_in(text: str, steps: tuple[Any, ...]) -> int:
    """Return the line where the last of the steps stands, or the nearest above it that is written down."""
    return _line(text, steps)[1]


def _line(text: str, steps: tuple[Any, ...]) -> tuple[int, int]:
    """Return how many of the steps the file has, and the line where the last of them stands."""
    depth, line, node = 0, 1, _composed(text)
    for step in steps:
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next(((k, v) for k, v in node.value if k.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = (node.value[step], node.value[step])
        if inner is None:
            break
        depth, line, node = depth + 1, inner[0].start_mark.line + 1, inner[1]
    return depth, line


@lru_cache(maxsize=4)
def _composed(text: str) -> yaml.Node | None:
    """Return the text with its places, read once for all faults; None for JSON that is no YAML."""
    try:
        return compose(text)
    except yaml.YAMLError:
        return None
