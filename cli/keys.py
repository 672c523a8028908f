"""`regate keys`: make, list, replace and revoke API keys."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Annotated, Any, get_args

import typer

from cli.late import Group
from cli.opened import LateJournal, note_reading, opened_state
from cli.rows import Format, write_rows
from cli.screen import line
from gateway.approvals import ApprovalBook
from gateway.audit.reading import query
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError
from gateway.oversight import Keyring, NewKey, UnknownKey, local_user
from gateway.state import ApprovalStore, Keys, Role
from gateway.words import KeyScope

__all__ = ["UnknownKey", "app", "parse_duration"]

app = typer.Typer(
    cls=Group, help="Make, list, replace and revoke API keys.", no_args_is_help=True, add_completion=False
)

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
_LONGEST = 10 * 365 * 86_400


_KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `regate keys list` shows it.")]
_USES = """
    SELECT started_at, exchange_id, agent, on_behalf_of, source_ip, provider, model, action, status, code,
        forwarded_at, bytes_sent
    FROM exchanges WHERE key_id = $1 ORDER BY started_at DESC, exchange_id
"""


@app.command(epilog="Example: regate keys create --agent coder --owner alice --group team-a --expires 30d")
def create(
    agent: Annotated[str, typer.Option(help="What the holder is called in decisions and records.")],
    owner: Annotated[str, typer.Option(help="The person who answers for it; never approves for it.")],
    group: Annotated[
        list[str] | None, typer.Option(help="A group it belongs to; may be repeated. [default: default]")
    ] = None,
    role: Annotated[
        str,
        typer.Option(
            help="agent (the data path), opa (pulls bundles), or a person: approver, auditor, admin."
        ),
    ] = "agent",
    delegate: Annotated[
        bool, typer.Option("--delegate", help="It may name the end user in X-Regate-On-Behalf-Of.")
    ] = False,
    expires: Annotated[str, typer.Option(help="How long it lives: 30d, 12h, 45m. [default: forever]")] = "",
    provider: Annotated[list[str] | None, typer.Option(help="Only these providers (globs).")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only these models (globs).")] = None,
    path: Annotated[list[str] | None, typer.Option(help="Only these paths (globs).")] = None,
    network: Annotated[list[str] | None, typer.Option(help="Only from here, like 10.0.0.0/8.")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="At most this: requests_1m=60, tokens_day=100000, cost_micros_month=5000000."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a key. It is shown once and stored as a digest only."""
    wanted = NewKey(
        agent=agent,
        owner=owner,
        groups=tuple(group or ("default",)),
        role=_role(role),
        delegate=delegate,
        expires_seconds=parse_duration(expires) if expires else None,
        scope=KeyScope(
            tuple(provider or ()), tuple(model or ()), tuple(path or ()), tuple(network or ()), _limits(limit)
        ),
    )
    with _keyring() as keyring:
        made = asyncio.run(keyring.create(local_user(), wanted))
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
    else:
        typer.echo(f"key {made['id']} for {agent} (role {role}, owner {owner}); it is not shown again:")
        typer.echo(made["key"])


@app.command("list", epilog="Example: regate keys list --json")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List all keys, revoked and expired ones too; never the keys themselves."""
    with _keyring() as keyring:
        keys = asyncio.run(keyring.list())
    if as_json:
        typer.echo(json.dumps(keys, ensure_ascii=False))
        return
    for key in keys:
        terms = f"expires {key['expires_at']}" if key["expires_at"] else "does not expire"
        used = f", last used {key['last_used_at']}" if key["last_used_at"] else ", not used yet"
        if key["role"] != "agent":  # only the data path notes uses; what people do is in the evidence
            used = ""
        who = f"{key['agent']}, role {key['role']}, owner {key['owner']}, groups {','.join(key['groups'])}"
        bounds = f", only {_told(key['scope'])}" if any(key["scope"].values()) else ""
        typer.echo(line(f"{key['id']}  {key['prefix']}…  {key['status']:<8} {who}, {terms}{used}{bounds}"))


@app.command(epilog="Example: regate keys rotate k4jq2zq7w3ab --overlap 24h")
def rotate(
    key_id: _KeyId,
    overlap: Annotated[str, typer.Option(help="How long the old key goes on: 30d, 12h, 45m.")] = "24h",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a key like another one, which ends after the overlap. The new key is shown once."""
    seconds = parse_duration(overlap, "--overlap")
    with _keyring() as keyring:
        made = asyncio.run(keyring.rotate(local_user(), key_id, seconds))
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
    else:
        typer.echo(
            f"key {made['id']} takes the place of {key_id}, which ends in {overlap}; it is shown once:"
        )
        typer.echo(made["key"])


@app.command(epilog="Example: regate keys leaked k4jq2zq7w3ab --format csv")
def leaked(
    key_id: _KeyId,
    form: Annotated[Format, typer.Option("--format", help="How the exchanges are written.")] = Format.TABLE,
) -> None:
    """Revoke a key that got out, then show every exchange that it was ever used for, the latest first."""
    config = load_config(config_path())
    with _keyring() as keyring:
        try:
            asyncio.run(keyring.revoke(local_user(), key_id))
        except UnknownKey:  # revoked before, it still leaves something to see
            if all(key["id"] != key_id for key in asyncio.run(keyring.list())):
                raise
    typer.echo(f"key {line(key_id)} is revoked", err=True)
    note_reading(config, "evidence_queried", sql=_USES)
    with query(config.audit_path, _USES, (key_id,)) as result:
        write_rows(result, form, sys.stdout)


@app.command(epilog="Example: regate keys revoke k4jq2zq7w3ab")
def revoke(
    key_id: _KeyId,
) -> None:
    """Revoke a key: it stops working within a second, and the approvals that it asked for are canceled."""
    with _keyring() as keyring:
        revoked = asyncio.run(keyring.revoke(local_user(), key_id))
    typer.echo(f"key {key_id} is revoked")
    if canceled := revoked["cancelled_approvals"]:
        typer.echo(f"{canceled} of its approvals are canceled")


def _keyring() -> AbstractContextManager[Keyring]:
    return opened_keyring(load_config(config_path()))


@contextmanager
def opened_keyring(config: Config) -> Iterator[Keyring]:
    """Open the keys of a gateway, with a journal of this command's own."""
    with opened_state(config) as state, ExitStack() as stack:
        journal = LateJournal(config, stack)
        yield Keyring(Keys(state), ApprovalBook(ApprovalStore(state), journal), journal)


def _limits(given: list[str] | None) -> dict[str, int]:
    """Return the limits in `requests_1m=60`. Raises ConfigError."""
    found: dict[str, int] = {}
    for text in given or ():
        name, _, most = text.partition("=")
        if not (most.isascii() and most.isdigit()) or name in found:
            raise ConfigError(f"--limit: found {text!r}; expected a limit and a whole number: requests_1m=60")
        found[name] = int(most)
    return found


def _told(scope: dict[str, Any]) -> str:
    """Return a scope in words: `providers openai, requests_1m 60`."""
    named = [f"{what} {' '.join(scope[what])}" for what in scope if what != "limits" and scope[what]]
    return ", ".join([*named, *(f"{limit} {most}" for limit, most in scope["limits"].items())])


def parse_duration(text: str, option: str = "--expires") -> int:
    """Return the seconds in `30d`, `12h` or `45m`. Raises ConfigError."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([dhm])", text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(
            f"{option}: found {text!r}; expected a duration like 30d, 12h or 45m, at most 3650d"
        )
    return seconds


def _role(text: str) -> Role:
    roles: tuple[Role, ...] = get_args(Role)
    if text not in roles:
        raise ConfigError(f"--role: found {text!r}; expected one of {', '.join(roles)}")
    return text
