"""`regate policy docs`: a page about every rule, from the METADATA in the Rego files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.policy.folders import PolicyFolder, configured
from gateway.errors import ConfigError
from gateway.policy import PolicySource, load_source
from gateway.policy.source import Block, metadata

PAGE = Path("docs/reference/policies.md")

_TOPIC = re.compile(r"package[ \t]+regate\.rules\.(\w+)")
_HEAD = """# The rules

Written by `regate policy docs` from the METADATA of the policy files: change it there. What a rule sees, and
how verdicts become one decision, is in [policy.md](policy.md).
"""


def docs(
    path: PolicyFolder = None,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = PAGE,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 if it is old.")] = False,
) -> None:
    """Write the reference of every rule: what it does, its severity, its controls, what to do about it."""
    source = load_source(configured(path).policy_path)
    page = reference(source)
    if not check:
        _write(out, page)
        typer.echo(f"wrote {out}")
    elif not out.is_file() or out.read_text("utf-8") != page:
        typer.echo(f"{out}: not what the METADATA says; run: regate policy docs", err=True)
        raise typer.Exit(1)


def reference(source: PolicySource) -> str:
    """Return the page. Raises ConfigError on METADATA that is no YAML."""
    read = {name: list(blocks(source.root / name, text)) for name, text in source.modules.items()}
    topics = {name: found for name, found in read.items() if found and _TOPIC.match(found[0].code)}
    sections = [_topic(name, found) for name, found in sorted(topics.items())]
    decision = [each for found in read.values() for each in found if each.custom("reasons")]
    return "\n".join([_HEAD, *sections, *map(_reasons, decision)])


def blocks(path: Path, text: str) -> Iterator[Block]:
    """Yield every METADATA block of a file, in its order. Raises ConfigError on one that is no mapping."""
    for block in metadata(path, text):
        if not isinstance(block.about, dict):
            raise ConfigError(f"{path}:{block.line}: expected METADATA to be a mapping")
        yield block


def _topic(name: str, found: list[Block]) -> str:
    package, *rules = found
    lines = [
        f"## {package.about.get('title', name)}",
        "",
        f"`{name}`. {package.about.get('description', '')}",
        "",
    ]
    for rule in rules:
        if rule.code.startswith("verdicts contains"):
            lines += _rule(rule)
    return "\n".join(lines)


def _rule(rule: Block) -> Iterator[str]:
    yield from (
        f"### {_names(rule)}",
        "",
        f"{rule.about.get('title', '')}. {rule.about.get('description', '')}",
        "",
    )
    facts = {
        "action": _literal(rule, "action") or "as the settings say",
        "severity": rule.custom("severity", None),
        "controls": _listed(rule, "controls", "{}"),
        "settings": _listed(rule, "settings", "`{}`"),
        "remedy": rule.custom("remedy", None),
    }
    yield from (f"- {name}: {str(value).strip()}" for name, value in facts.items() if value is not None)
    yield ""


def _listed(rule: Block, key: str, form: str) -> str | None:
    """Return the list as text; None where the METADATA has no such key."""
    found = rule.custom(key, None)
    return None if found is None else ", ".join(form.format(each) for each in found) or "none"


def _names(rule: Block) -> str:
    names = _literal(rule, "rule") or str(rule.custom("rule"))
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _literal(rule: Block, key: str) -> str:
    """Return a value that the verdict spells out; "" for one that it computes."""
    found = re.search(rf'"{key}": "([^"]+)"', rule.code)
    return found.group(1) if found else ""


def _reasons(decision: Block) -> str:
    lines = ["## Reasons of the decision itself", "", "These deny.", ""]
    for name, reason in decision.custom("reasons").items():
        lines += [f"### `{name}`", "", reason["means"], ""]
        lines += [f"- severity: {reason['severity']}", f"- remedy: {reason['remedy']}", ""]
    return "\n".join(lines)


def _write(out: Path, page: str) -> None:
    try:
        out.write_text(page, "utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
