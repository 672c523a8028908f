"""`regate policy learn`: settings that recorded traffic would have needed, as a diff. Nothing is applied."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
import yaml

from cli.moments import ago
from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.policy.learned import GroupUse, Learned, Uses, learn_from
from cli.screen import line
from gateway.audit.reading import decision_lines, rebuild
from gateway.config import compose, strict_yaml
from gateway.errors import ConfigError
from gateway.policy.source import FORMATS, SETTINGS

_SPECIAL = re.compile(r"[*?\[\]{}\\]")
_EVERYTHING = ["*"]


def learn(
    since: Annotated[str, typer.Option(help="How far to look back: 7d, 12h, 45m, or all.")] = "7d",
    path: PolicyFolder = None,
    as_json: AsJson = False,
) -> None:
    """Propose settings from recorded traffic: what each group really used, as a diff to look at.

    Lists that permit everything become lists of what was used and allowed; behind each line stand exchanges.
    Nothing is applied. Exit code 1: there is nothing to learn from.
    """
    config = configured(path)
    moment = None if since == "all" else ago(since)
    if moment is None and since != "all":
        raise ConfigError(f"--since: found {since!r}; expected a duration like 7d, 12h or 45m, or all")
    learned = learn_from(map(rebuild, decision_lines(config.audit_path, moment)))
    file = config.policy_path / SETTINGS / "data.yaml"
    try:
        before = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}; learn changes YAML alone") from error
    after = proposed_settings(before, learned)
    diff = "".join(_diff(str(file), before, after))
    if as_json:
        waived = [
            {"rule": rule, "ticket": ticket, **asdict(use)} for (rule, ticket), use in learned.waived.items()
        ]
        groups = {name: asdict(group) for name, group in learned.groups.items()}
        typer.echo(
            json.dumps({"decisions": learned.decisions, "groups": groups, "waived": waived, "diff": diff})
        )
    else:
        typer.echo(diff, nl=False)
        for told in _told(learned, since):
            typer.echo(line(told), err=True)
    raise typer.Exit(0 if learned.decisions else 1)


def proposed_settings(text: str, learned: Learned) -> str:
    """Return the settings with what was learned. Raises ConfigError where they cannot be edited as text."""
    settings = strict_yaml(text)
    wanted = json.loads(json.dumps(settings))
    for name, group in sorted(learned.groups.items()):
        current = settings["groups"].get(name, {})
        if name.isprintable() and (lines := dict(_lines(current, group))):
            text = _edited(text, name, lines)
            for key, uses in lines.items():
                value = [_literal(each) for each in uses]
                wanted["groups"].setdefault(name, {})[key] = {"tools": value} if key == "only" else value
    if strict_yaml(text) != wanted:
        raise ConfigError("the settings are written in a way that cannot be edited here; see --json")
    return text


def _lines(current: Mapping[str, Any], group: GroupUse) -> Iterator[tuple[str, Uses]]:
    """Yield the keys of a group that permit everything, or say nothing, with what was used instead."""
    for key, uses in (("providers", group.providers), ("models", group.models)):
        known = _writable(uses, "glob")
        if known and current.get(key, _EVERYTHING) == _EVERYTHING:
            yield key, known
    tools = _writable(group.tools, "tool-glob")
    if tools and "only" not in current:
        yield "only", tools


def _writable(uses: Uses, form: str) -> Uses:
    known = [name for name in sorted(uses) if name.isprintable()]
    return {name: uses[name] for name in known if FORMATS.conforms(_literal(name), form)}


def _literal(name: str) -> str:
    """Return a glob that is this name and no other."""
    return _SPECIAL.sub(lambda found: f"\\{found.group()}", name)


def _edited(text: str, name: str, lines: Mapping[str, Uses]) -> str:
    """Return the text with these keys of a group put in, each on a line of its own with its exchanges."""
    groups = _value(compose(text), "groups")
    group = _value(groups, name)
    if group is None:
        added = "".join(f"    {_written(key, uses)}\n" for key, uses in lines.items())
        return _put_in(text, _end(text, groups), f"  {_quoted(name)}:\n{added}")
    for key, uses in lines.items():
        group = _value(_value(compose(text), "groups"), name)
        old = _value(group, key)
        if old is None:
            place = _end(text, group)
            text = _put_in(text, place, f"    {_written(key, uses)}\n")
        else:
            rest = text.index("\n", old.end_mark.index) if "\n" in text[old.end_mark.index :] else len(text)
            begin = text.rindex(key, 0, old.start_mark.index)
            text = text[:begin] + _written(key, uses) + text[rest:]
    return text


def _written(key: str, uses: Uses) -> str:
    names = ", ".join(_quoted(_literal(name)) for name in uses)
    behind = "; ".join(f"{use.count}: {', '.join(use.exchanges)}" for use in uses.values())
    value = f"{{tools: [{names}]}}" if key == "only" else f"[{names}]"
    return f"{key}: {value}   # {behind}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _end(text: str, node: yaml.Node | None) -> int:
    """Return where the line behind the last thing in a mapping begins."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    at = text.find("\n", node.end_mark.index if node else 0)
    return len(text) if at < 0 else at + 1


def _put_in(text: str, place: int, added: str) -> str:
    return text[:place] + added + text[place:]


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    lines: Sequence[str] = before.splitlines(keepends=True)
    yield from difflib.unified_diff(lines, after.splitlines(keepends=True), f"a/{name}", f"b/{name}")


def _told(learned: Learned, since: str) -> Iterator[str]:
    yield f"learned from {learned.decisions:,} decisions since {since}; nothing was applied"
    if learned.lost:
        yield f"{learned.lost:,} could not be read: their content is not there"
    for name, group in sorted(learned.groups.items()):
        if group.entities:
            seen = ", ".join(f"{entity} {use.count}" for entity, use in sorted(group.entities.items()))
            yield f"found in what {name} sends and gets: {seen}"
    for (rule, ticket), use in sorted(learned.waived.items()):
        where = ", ".join(use.exchanges)
        yield f"{rule} was waived each time ({ticket}, {use.count:,}: {where}): a setting may say so for good"
