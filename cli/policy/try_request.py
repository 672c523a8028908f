"""`regate policy try`: what would become of a request, shown step by step. Nothing is sent."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.policy.explain import Rule, rule_of, rules_on_disk
from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.policy.loading import load
from cli.policy.pasted import Pasted, provider_and_path, read_pasted
from cli.screen import block, line
from gateway.config import Config
from gateway.contract import guard, to_document
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.exchange import TrialRequest

_SHOWN = 160  # characters of a part


def try_request(
    file: Annotated[
        Path,
        typer.Argument(help="A body, a line for curl, or a request as it goes over the wire; - is stdin."),
    ] = Path("-"),
    provider: Annotated[
        str, typer.Option("--provider", help="Whose request it is. [default: as address and body say]")
    ] = "",
    agent: Annotated[str, typer.Option("--agent", help="Who asks.")] = "trial",
    group: Annotated[list[str] | None, typer.Option("--group", help="A group of theirs; repeatable.")] = None,
    path: PolicyFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what would become of a request: its parts, what is found, the decision and its rules.

    It is parsed and inspected as live traffic is. Nothing is sent, recorded or counted; found values are
    shown as placeholders. Exit code 0: it may pass; 1: it is denied or held.
    """
    config = configured(path)
    found = asyncio.run(tried(config, read_pasted(_read(file)), provider, agent, tuple(group or ())))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for told in _told(found):
            typer.echo(block(told))
    raise typer.Exit(0 if found["decision"]["action"] in ("allow", "mask") else 1)


async def tried(
    config: Config, pasted: Pasted, provider: str, agent: str, groups: tuple[str, ...]
) -> dict[str, Any]:
    """Return parts, findings, input, decision and rules of a request. Raises ConfigError, TrialRefused."""
    from gateway.exchange import arrive  # the analyzers take seconds to import: no other command waits

    trial = await arrive(config, _request(config, pasted, provider, agent, groups))
    decision = await load(config, trial.document)
    assert decision is not None
    acts = to_document(
        guard(decision, syntax=trial.syntax, approval_status="", enforced=config.policy.enforce)
    )
    return {
        "parts": trial.shown(),
        "findings": trial.document["findings"],
        "decision": acts,
        "rules": _rules(acts, rules_on_disk(config)),
        "input": trial.document,
    }


def _request(config: Config, pasted: Pasted, named: str, agent: str, groups: tuple[str, ...]) -> TrialRequest:
    from gateway.exchange import TrialRequest  # as above

    provider, path = provider_and_path(config, pasted, named)
    headers = {name.lower(): value for name, value in pasted.headers.items()}
    if headers.get("content-type") == "application/x-www-form-urlencoded":
        del headers["content-type"]  # curl says it where people forget to say JSON
    return TrialRequest(provider, pasted.body, path, pasted.method, headers, agent=agent, groups=groups)


def _rules(decision: Mapping[str, Any], on_disk: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Return the rules that spoke, in the decision's order, and where each stands."""
    spoke = [
        *((reason, decision["action"]) for reason in decision["reasons"]),
        *((warning, "warn") for warning in decision["warnings"]),
    ]
    return [
        {
            "rule": reason["rule"],
            "did": did,
            "message": reason["message"],
            **asdict(rule_of(str(reason["rule"]), on_disk) or Rule("")),
        }
        for reason, did in spoke
    ]


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    asked, decision = found["input"], found["decision"]
    yield f"request   {asked['method']} {asked['path']} of {asked['provider']}, read as {asked['dialect']}"
    groups = ", ".join(asked["agent"]["groups"]) or "no group"
    yield f"agent     {asked['agent']['id']} ({groups}), model {asked['model'] or '(not named)'}"
    for part in found["parts"]:
        entities = ", ".join(f"{each['entity']} {each['score']:g}" for each in part["findings"])
        text = line(part["text"])
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        if part["kind"] != "field" or entities:
            yield f"part      {part['pointer']}  {part['role']} {part['kind']}: {text}" + (
                f"   [{entities}]" if entities else ""
            )
    for row in found["findings"]:
        told = f"{row['distinct']} distinct, up to {row['max_score']:g}"
        yield f"found     {row['entity']} ({row['category']}): {told}"
    yield f"decision  {decision['action']} by revision {decision['revision']}"
    for rule in found["rules"]:
        yield f"  {rule['rule']}: {rule['message']}"
        if rule["place"]:
            yield f"      {rule['place']}: {rule['title']}"
        if rule["remedy"].strip():
            yield f"      {rule['remedy'].strip()}"
    for mask in decision["mask"]:
        back = ", given back to the caller" if mask["restore"] else ""
        yield f"  masks {mask['entity']}: {mask['operator']}{back}"


def _read(file: Path) -> bytes:
    if str(file) == "-":
        if sys.stdin.isatty():
            typer.echo("paste a request, and end it with Ctrl-D", err=True)
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
