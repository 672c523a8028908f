"""`regate keys`: make, list and revoke API keys."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, get_args

import typer

from cli.late import Group
from cli.opened import LateJournal, opened_state
from cli.screen import line
from gateway.approvals import ApprovalBook
from gateway.config import config_path, load_config
from gateway.errors import ConfigError
from gateway.oversight import Keyring, NewKey, UnknownKey, local_user
from gateway.state import ApprovalStore, Keys, Role

__all__ = ["UnknownKey", "app", "parse_duration"]

app = typer.Typer(
    cls=Group, help="Make, list and revoke API keys.", no_args_is_help=True, add_completion=False
)

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
_LONGEST = 10 * 365 * 86_400


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
    expires: Annotated[str, typer.Option(help="How long it lives: 30d, 12h, 45m. [default: for ever]")] = "",
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
        who = f"{key['agent']}, role {key['role']}, owner {key['owner']}, groups {','.join(key['groups'])}"
        typer.echo(line(f"{key['id']}  {key['status']:<8} {who}, {terms}"))


@app.command(epilog="Example: regate keys revoke k4jq2zq7w3ab")
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, as `regate keys list` shows it.")
    ],
) -> None:
    """Revoke a key: it stops working within a second, and the approvals that it asked for are canceled."""
    with _keyring() as keyring:
        revoked = asyncio.run(keyring.revoke(local_user(), key_id))
    typer.echo(f"key {key_id} is revoked")
    if canceled := revoked["cancelled_approvals"]:
        typer.echo(f"{canceled} of its approvals are canceled")


@contextmanager
def _keyring() -> Iterator[Keyring]:
    """Open the keys of this gateway, with a journal of this command's own."""
    config = load_config(config_path())
    with opened_state(config) as state, ExitStack() as stack:
        journal = LateJournal(config, stack)
        yield Keyring(Keys(state), ApprovalBook(ApprovalStore(state), journal), journal)


def parse_duration(text: str) -> int:
    """Return the seconds in `30d`, `12h` or `45m`. Raises ConfigError."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([dhm])", text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(
            f"--expires: found {text!r}; expected a duration like 30d, 12h or 45m, at most 3650d"
        )
    return seconds


def _role(text: str) -> Role:
    roles: tuple[Role, ...] = get_args(Role)
    if text not in roles:
        raise ConfigError(f"--role: found {text!r}; expected one of {', '.join(roles)}")
    return text
