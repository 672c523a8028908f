"""Tools that agents offer, held against what policy says of them: a misspelt argument is never there.

Example: of a tool `send_email` with the argument `recipient`, a rule that reads `call.arguments.recipent`,
and an entry of `tools.deny` whose condition is about `recipent`, never hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from cli.policy.faults import PolicyFault
from cli.policy.syntax import Module, Node, constant, dotted, line_of, nodes, objects, steps
from gateway.config import strict_yaml
from gateway.dialects import schema_digest, tool_schema
from gateway.errors import ConfigError
from gateway.masking import place_steps
from gateway.policy import PolicySource
from gateway.policy.source import SETTINGS, closest, place_in

_NUMBERS, _TEXTS = frozenset(("number", "integer")), frozenset(("string",))
# What each built-in wants of the argument that it reads; a comparison wants the type of its other side.
_WANTED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("startswith", "endswith", "lower", "upper", "trim", "split", "indexof"), _TEXTS),
    **dict.fromkeys(("glob.match", "regex.match", "regex.replace", "contains", "replace"), _TEXTS),
    **dict.fromkeys(("plus", "minus", "mul", "div", "rem", "abs", "round"), _NUMBERS),
}
_COMPARED = frozenset(("equal", "eq", "neq", "gt", "gte", "lt", "lte"))
_NAMING = frozenset(("equal", "eq", "glob.match", "internal.member_2"))
_TYPES: Mapping[str, frozenset[str]] = {
    "string": _TEXTS,
    "number": _NUMBERS,
    "boolean": frozenset(("boolean",)),
    "array": frozenset(("array",)),
    "object": frozenset(("object",)),
}
_BETWEEN = re.compile(r"[\s_.:/-]+")
_GLOB = frozenset("*?[{")
_TO = "see the tool's definition, or leave --tools out"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool by its name, with the schema of its arguments and that one's digest."""

    name: str
    schema: Mapping[str, Any]
    digest: str

    def at(self, path: Sequence[str]) -> Mapping[str, Any] | None:
        """Return what the schema says of an argument; {} where it says nothing, None where there is none."""
        node: Mapping[str, Any] = self.schema
        for step in path:
            if node.keys() & {"$ref", "anyOf", "oneOf", "allOf"}:
                return {}
            inner = node.get("properties", {})
            if step in inner:
                node = inner[step] if isinstance(inner[step], dict) else {}
            elif inner and not node.get("additionalProperties"):
                return None
            else:
                return {}
        return node

    def arguments(self) -> list[str]:
        return list(self.schema.get("properties", {}))


def offered(files: Sequence[Path]) -> list[OfferedTool]:
    """Read definitions of tools: a request to a provider, its list of tools, or what `tools/list` answers.

    The words are those of OpenAI, Anthropic, Gemini, Ollama and MCP. Raises ConfigError.
    """
    found: list[OfferedTool] = []
    for file in files:
        try:
            tools = list(_tools(strict_yaml(file.read_text("utf-8"))))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            raise ConfigError(f"{file}: expected definitions of tools, in JSON or YAML: {error}") from error
        if not tools:
            raise ConfigError(f"{file}: expected definitions of tools, found none")
        found += tools
    return found


def _tools(said: Any) -> Iterator[OfferedTool]:
    if isinstance(said, list):
        for one in said:
            yield from _tools(one)
    elif isinstance(said, dict):
        held = [said[key] for key in _HOLDERS if isinstance(said.get(key), (dict, list))]
        if held:
            for one in held:
                yield from _tools(one)
        elif isinstance(name := said.get("name"), str):
            yield OfferedTool(name, tool_schema(said), schema_digest(said))


_HOLDERS = ("result", "tools", "function", "functionDeclarations", "function_declarations", "toolSpec")


def setting_faults(source: PolicySource, tools: Sequence[OfferedTool]) -> Iterator[PolicyFault]:
    """Yield the names of tools and arguments in the settings that none of the tools has."""
    settings = source.data.get(SETTINGS, {})
    for at, tool, path, above in _spoken_of(settings):
        meant = _named(tools, tool)
        if not meant:
            if not _GLOB & set(tool) and (near := closest(tool, [one.name for one in tools])):
                yield _in_settings(source, at, f"no tool is called {tool}", f"did you mean {near}?")
        elif path and (wrong := _missing(meant, path)):
            yield _in_settings(source, at, wrong, _TO)
        elif path and above and all(_differs(one.at(path), _NUMBERS) for one in meant):
            what = f"argument {'.'.join(path)} of {meant[0].name} is no number, so `above` never holds"
            yield _in_settings(source, at, what, "use `matches`")
    for name, digests in settings.get("tools", {}).get("pins", {}).items():
        for one in _named(tools, name):
            if one.digest not in digests:
                todo = f"its schema has the digest {one.digest or '(none)'}"
                yield _in_settings(source, ("tools", "pins", name), f"{one.name} is not as pinned", todo)


_Place = tuple[str | int, ...]
_Spoken = tuple[_Place, str, list[str], bool]


def _spoken_of(settings: Mapping[str, Any]) -> Iterator[_Spoken]:
    """Yield each tool and argument in the settings: its place, the two names, and whether it is compared."""
    lists = settings.get("tools", {})
    for action in ("deny", "approve"):
        for index, entry in enumerate(lists.get(action, [])):
            at: _Place = ("tools", action, index)
            conditions = entry.get("arguments", {})
            yield (*at, "name"), entry["name"], [], False
            for name, condition in conditions.items():
                yield (*at, "arguments", name), entry["name"], [name], "above" in condition
    for index, flow in enumerate(lists.get("flows", [])):
        for name in flow.get("arguments", []):
            yield ("tools", "flows", index, "arguments"), flow["to"], [name], False
    for index, name in enumerate(settings.get("restore_tools", [])):
        yield ("restore_tools", index), name, [], False
    for at, place in _destinations(settings):
        tool, *path = place_steps(place)
        if tool not in ("text", "tools"):
            yield at, tool, path, False


def _destinations(value: Any, at: _Place = ()) -> Iterator[tuple[_Place, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "restore_to":
                yield from (((*at, key), place) for place in inner)
            else:
                yield from _destinations(inner, (*at, key))


def rego_faults(module: Module, tools: Sequence[OfferedTool]) -> Iterator[PolicyFault]:
    """Yield the arguments that a rule reads and its tools do not have, or have with another type."""
    for rule in module.rules:
        names = _tools_of(rule)
        meant = [one for name in names for one in _named(tools, name)] if names else list(tools)
        if not meant:
            continue
        held = _held(rule)
        for node in nodes(rule):
            path = _argument(node, held)
            if path and (wrong := _missing(meant, path)):
                yield PolicyFault(str(module.path), line_of(node), wrong, _TO)
        for line, path, wanted in _uses(rule, held):
            if all(_differs(one.at(path), wanted) for one in meant if one.at(path) is not None):
                what = (
                    f"argument {'.'.join(path)} of {meant[0].name} is never a {' or '.join(sorted(wanted))}"
                )
                if not _missing(meant, path):
                    yield PolicyFault(str(module.path), line, what, _TO)


_Held = Mapping[str, list[str]]
"""Variables of a rule that hold arguments, or one of them: the path to it."""


def _tools_of(rule: Node) -> set[str]:
    """Return the tools that a rule is about: those that it compares the name of a call with."""
    found: set[str] = set()
    for terms in _calls(rule):
        if dotted(terms[0]) in _NAMING and any(_ends_with(term, "name") for term in terms[1:]):
            texts = [name for term in terms[1:] for node in nodes(term) if (name := constant(node))]
            found.update(text for text in texts if text not in ("name", "tool_calls"))
    return found


def _held(rule: Node) -> _Held:
    found: dict[str, list[str]] = {}
    for terms in _calls(rule):
        if dotted(terms[0]) in ("assign", "eq") and len(terms) == 3 and terms[1].get("type") == "var":
            path = _argument(terms[2], found)
            if path is not None:
                found[str(terms[1]["value"])] = path
    return found


def _argument(node: Node, held: _Held) -> list[str] | None:
    """Return the keys by which a term reads an argument of a call; None when it does not."""
    if node.get("type") == "var":
        return held.get(str(node["value"]))
    if node.get("type") == "call" and dotted(node["value"][0]) == "object.get":
        _, of, key, *_ = node["value"]
        above = _argument(of, held)
        keys = key["value"] if key.get("type") == "array" else [key]
        names = [constant(one) for one in keys]
        return None if above is None or None in names else [*above, *(str(name) for name in names)]
    path = steps(node)
    if not path:
        return None
    if path[0]["type"] == "var" and path[0]["value"] in held:
        return [*held[str(path[0]["value"])], *_constants(path[1:])]
    for place, step in enumerate(path[1:], 1):
        if constant(step) == "arguments" and dotted(node).partition(".")[0] != "data":
            return _constants(path[place + 1 :])
    return None


def _uses(rule: Node, held: _Held) -> Iterator[tuple[int, list[str], frozenset[str]]]:
    """Yield where an argument is compared or handed to a built-in, and the types that this wants."""
    for terms in _calls(rule):
        name = dotted(terms[0])
        for term in terms[1:]:
            path = _argument(term, held)
            others = [
                _TYPES[one["type"]] for one in terms[1:] if one is not term and one.get("type") in _TYPES
            ]
            wanted = others[0] if name in _COMPARED and others else _WANTED.get(name)
            if path and wanted:
                yield line_of(terms[0]) or line_of(term), path, wanted


def _calls(rule: Node) -> Iterator[list[Node]]:
    """Yield each call of a built-in or function, its name first."""
    for node in objects(rule):
        terms = node["value"] if node.get("type") == "call" else node.get("terms")
        if isinstance(terms, list) and len(terms) > 1:
            yield terms


def _constants(path: Sequence[Node]) -> list[str]:
    """Return the names at the head of a path; what follows an index is not looked at."""
    names: list[str] = []
    for step in path:
        if (name := constant(step)) is None:
            break
        names.append(name)
    return names


def _ends_with(term: Node, name: str) -> bool:
    path = steps(term) if "type" in term else []
    return len(path) > 1 and constant(path[-1]) == name


def _named(tools: Sequence[OfferedTool], pattern: str) -> list[OfferedTool]:
    """Return the tools that a glob is about, as the shipped rules compare names."""
    return [
        one
        for one in tools
        if fnmatchcase(one.name.lower(), pattern.lower()) or fnmatchcase(_bare(one.name), _bare(pattern))
    ]


def _bare(name: str) -> str:
    return _BETWEEN.sub("", name.lower())


def _missing(meant: Sequence[OfferedTool], path: Sequence[str]) -> str:
    """Return what is wrong where none of the tools has the argument, "" where one may."""
    if any(one.at(path) is not None for one in meant):
        return ""
    known = [name for one in meant for name in one.arguments()]
    near = closest(path[0], known)
    hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(set(known))) or 'none'}"
    names = ", ".join(sorted({one.name for one in meant})[:3])
    return f"{names} has no argument {'.'.join(path)}: {hint}"


def _differs(schema: Mapping[str, Any] | None, wanted: frozenset[str]) -> bool:
    """Return whether a schema allows none of the types."""
    said = (schema or {}).get("type")
    types = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
    return bool(types) and not types & (wanted | ({"integer"} if "number" in wanted else set()))


def _in_settings(source: PolicySource, at: tuple[str | int, ...], what: str, todo: str) -> PolicyFault:
    file, _, line = place_in(source.root, at).rpartition(":")
    return PolicyFault(file, int(line), f"{'.'.join(map(str, (SETTINGS, *at)))}: {what}", todo)
