"""`regate audit hold` and `release`: what a court may ask for stays, whatever retention and orders say."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from cli.opened import acting, note_act
from cli.screen import line
from gateway.audit.files import Folder, open_signer
from gateway.audit.sealing import LegalHold, holds_in_force, read_seal_lines, sign_hold
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, RegateError


def hold(
    session: Annotated[str, typer.Option(help="LegalHold this session.")] = "",
    agent: Annotated[str, typer.Option(help="LegalHold everything of this agent.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="LegalHold everything.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it stands in the evidence.")] = "",
) -> None:
    """Put a session, an agent or everything on legal hold: neither erasure nor retention removes it.

    Example: regate audit hold --agent billing --reason "case 12/26"
    """
    if [bool(session), bool(agent), everything].count(True) != 1:
        raise typer.BadParameter("name a session, an agent, or --all: one of them", param_hint="--session")
    config = load_config(config_path())
    made = LegalHold(f"lh_{secrets.token_hex(8)}", session, agent)
    note_act(config, "hold_placed", by=acting(config), session_id=session, agent=agent,
             hold=made.id, reason=reason)  # fmt: skip
    _sign(config, made)
    typer.echo(line(f"{made.id} holds {session or agent or 'everything'}"))


def release(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="As `regate audit hold` named it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the evidence.")] = "",
) -> None:
    """End a legal hold: what waits to be erased then goes.

    Example: regate audit release lh_0a1b2c3d4e5f6071 --reason "case 12/26 is closed"
    """
    config = load_config(config_path())
    in_force = {each.id: each for each in holds_in_force(read_seal_lines(Folder(config.audit_path)))}
    if (found := in_force.get(hold_id)) is None:
        known = ", ".join(in_force) or "there is none"
        raise RegateError(f"no hold of this name is in force; expected one of them: {known}")
    note_act(config, "hold_released", by=acting(config), session_id=found.session, agent=found.agent,
             hold=found.id, reason=reason)  # fmt: skip
    _sign(config, found, release=True)
    typer.echo(f"{found.id} is released")


def _sign(config: Config, made: LegalHold, *, release: bool = False) -> None:
    folder = Folder(config.audit_path)
    try:
        sign_hold(folder, open_signer(config.evidence_key_path, folder), made, release=release)
    except OSError as error:
        raise ConfigError(f"{folder.seals}: the hold cannot be written: {error}") from error
