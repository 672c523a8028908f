"""`regate policy waivers`: the exceptions in the settings, and which have run out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import typer

from cli.policy.faults import PolicyFault, fault_of
from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.screen import block
from gateway.errors import ConfigError
from gateway.policy import PolicySource, load_source
from gateway.policy.source import SETTINGS, place_in

_HOLDERS = ("agent", "group", "provider")


def waivers(path: PolicyFolder = None, as_json: AsJson = False) -> None:
    """List the waivers of the settings: the rule, for whom, until when, by whose word.

    Exit code 1: one ran out.

    What they let pass is in the evidence: SELECT waiver, count(*) FROM warnings GROUP BY waiver.
    """
    found = waivers_of(load_source(configured(path).policy_path))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for waiver in found:
            typer.echo(block(_told(waiver)))
        if not found:
            typer.echo("no waivers")
    raise typer.Exit(1 if any(waiver["expired"] for waiver in found) else 0)


def waivers_of(source: PolicySource) -> list[dict[str, Any]]:
    """Return the waivers of the settings in their order, each with whether it has `expired`."""
    now = datetime.now(UTC)
    found = source.data.get(SETTINGS, {}).get("waivers", [])
    return [{**waiver, "expired": datetime.fromisoformat(waiver["until"]) <= now} for waiver in found]


def expired(source: PolicySource) -> Iterator[PolicyFault]:
    """Yield the waivers that have run out: they excuse nothing any more, and people may rely on them."""
    for number, waiver in enumerate(waivers_of(source)):
        if waiver["expired"]:
            place = place_in(source.root, ("waivers", number))
            told = f"the waiver {waiver['ticket']} of {waiver['rule']} ran out on {waiver['until']}"
            error = ConfigError(f"{place}: {told}; remove it, or have it approved anew")
            yield fault_of(error, str(source.root))


def _told(waiver: dict[str, Any]) -> str:
    holders = ", ".join(f"{name} {waiver[name]}" for name in _HOLDERS if name in waiver) or "everyone"
    ran_out = "ran out on" if waiver["expired"] else "until"
    return (
        f"{waiver['ticket']}  {waiver['rule']} for {holders}, {ran_out} {waiver['until']}, "
        f"approved by {waiver['approved_by']}: {waiver['reason']}"
    )
