"""`regate audit hold` and `release`: what a court may ask for stays, whatever retention and orders say."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.opened import acting, note_act
from cli.screen import line
from gateway.audit.files import Folder, open_signer
from gateway.audit.sealing import LegalHold, holds_in_force, read_seal_lines, sign_hold
from gateway.config import Config, config_path, load_config, load_server_key
from gateway.errors import ConfigError, RegateError
from gateway.oversight import DataSubject


def hold(
    session: Annotated[str, typer.Option(help="Hold this session.")] = "",
    agent: Annotated[str, typer.Option(help="Hold everything of this agent.")] = "",
    person: Annotated[
        str,
        typer.Option(help="Hold what is recorded of this person by now, as `regate audit subject` has it."),
    ] = "",
    value: Annotated[
        list[str] | None, typer.Option(help="With --person: a value of theirs; again for another.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Hold everything.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it stands in the evidence: without a name.")] = "",
) -> None:
    """Put a session, an agent, a person or everything on legal hold: no erasure and no retention removes it.

    Example: regate audit hold --agent billing --reason "case 12/26"
    """
    if [bool(session), bool(agent), bool(person), everything].count(True) != 1:
        expected = "name a session, an agent, a person, or --all: one of them"
        raise typer.BadParameter(expected, param_hint="--session")
    if value and not person:
        raise typer.BadParameter("expected it with --person", param_hint="--value")
    config = load_config(config_path())
    made, about = LegalHold(f"lh_{secrets.token_hex(8)}", session, agent), {}
    if person:
        subject, found = _found(config, person, value or ())
        made, about = LegalHold(made.id, targets=found), {"subject": subject, "records": len(found)}
    note_act(config, "hold_placed", by=acting(config), session_id=session, agent=agent,
             hold=made.id, reason=reason, **about)  # fmt: skip
    _sign(config, made)
    held = f"{len(made.targets)} records of {person}; again for what comes later" if person else ""
    typer.echo(line(f"{made.id} holds {held or session or agent or 'everything'}"))


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


def _found(config: Config, person: str, values: Sequence[str]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return the person's pseudonym, and the records about them. Raises RegateError where there are none."""
    sought = DataSubject(load_server_key(config.key_path), person, values)
    found = tuple((one.target.writer, one.target.seq) for one in sought.mentions(config.audit_path))
    if not found:
        raise RegateError(f"nothing of {person} is in the evidence")
    return sought.pseudonym, found


def _sign(config: Config, made: LegalHold, *, release: bool = False) -> None:
    folder = Folder(config.audit_path)
    try:
        sign_hold(folder, open_signer(config.evidence_key_path, folder), made, release=release)
    except OSError as error:
        raise ConfigError(f"{folder.seals}: the hold cannot be written: {error}") from error
