"""`regate keys`: make, list and revoke API keys."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated, Any

import typer

from cli.opened import opened_journal, opened_state
from cli.screen import line
from gateway.approvals import cancel_open
from gateway.approvals.documents import rfc3339
from gateway.config import config_path, load_config
from gateway.errors import ConfigError, RegateError
from gateway.identity import create_key
from gateway.state import ApprovalStore, KeyRow, Keys, Role

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
_LONGEST = 10 * 365 * 86_400


class UnknownKey(RegateError):
    """There is no such key, or it is revoked already."""


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
    config = load_config(config_path())
    with opened_state(config) as state:
        row, key = create_key(
            Keys(state),
            agent=agent,
            owner=owner,
            groups=tuple(group or ("default",)),
            role=_role(role),
            delegate=delegate,
            expires_seconds=parse_duration(expires) if expires else None,
            now=time.time(),
        )
    if as_json:
        typer.echo(json.dumps({"id": row.id, "key": key, **_document(row)}, ensure_ascii=False))
    else:
        typer.echo(
            f"key {row.id} for {row.agent} (role {row.role}, owner {row.owner}); it is not shown again:"
        )
        typer.echo(key)


@app.command("list", epilog="Example: regate keys list --json")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List all keys, revoked and expired ones too; never the keys themselves."""
    config = load_config(config_path())
    with opened_state(config) as state:
        rows = Keys(state).list()
    if as_json:
        typer.echo(json.dumps([_document(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        document = _document(row)
        terms = f"expires {document['expires_at']}" if row.expires_at else "does not expire"
        who = f"{row.agent}, role {row.role}, owner {row.owner}, groups {','.join(row.groups)}"
        typer.echo(line(f"{row.id}  {document['status']:<8} {who}, {terms}"))


@app.command(epilog="Example: regate keys revoke k4jq2zq7w3ab")
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, as `regate keys list` shows it.")
    ],
) -> None:
    """Revoke a key: within a second nobody gets in with it. What it asked approval for is cancelled."""
    config = load_config(config_path())
    with opened_state(config) as state:
        # first of all, and whether or not the journal works: a stolen key must stop
        if not Keys(state).revoke(key_id, time.time()):
            raise UnknownKey(
                f"no live key {key_id}: expected an id that `regate keys list` shows as not revoked"
            )
        typer.echo(f"key {key_id} is revoked")
        with ApprovalStore(state).read() as rows:
            asked = rows.open_of_key(key_id)
        if not asked:
            return
        with opened_journal(config) as journal, ApprovalStore(state).write() as rows:
            cancelled = cancel_open(rows, journal.record_sync, key_id)
        typer.echo(f"{cancelled} of its approvals are cancelled")


def parse_duration(text: str) -> float:
    """Seconds in `30d`, `12h` or `45m`. Raises ConfigError."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([dhm])", text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(
            f"--expires: found {text!r}; expected a duration like 30d, 12h or 45m, at most 3650d"
        )
    return seconds


def _role(text: str) -> Role:
    roles: dict[str, Role] = {
        "agent": "agent",
        "approver": "approver",
        "auditor": "auditor",
        "admin": "admin",
        "opa": "opa",
    }
    if text not in roles:
        raise ConfigError(f"--role: found {text!r}; expected one of {', '.join(roles)}")
    return roles[text]


def _document(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "agent": row.agent,
        "owner": row.owner,
        "groups": list(row.groups),
        "role": row.role,
        "delegate": row.delegate,
        "status": row.status(time.time()),
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "revoked_at": rfc3339(row.revoked_at),
    }
