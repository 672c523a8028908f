"""`regate audit erase`: what a session or an agent said becomes unreadable, and the chain still holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from cli.opened import acting, note_act, opened_state
from gateway.audit import Sealer
from gateway.audit.files import Folder, open_signer
from gateway.audit.reading import query
from gateway.audit.sealing import (
    ERASED_KINDS,
    Order,
    holds_in_force,
    new_order_id,
    order_erasure,
    read_seal_lines,
)
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, RegateError
from gateway.state import ApprovalStore

_LEFT = f"""
    SELECT count(*) FROM records
    WHERE CASE WHEN ? <> '' THEN session_id = ? ELSE agent = ? END AND recorded_at <= ?::TIMESTAMPTZ
        AND (kind IN {ERASED_KINDS} OR (body->>'$.summary') IS NOT NULL) AND body IS NOT NULL
"""  # noqa: S608 - our own names; values are bound
_PATIENCE_SECONDS = 30.0


def erase(
    session: Annotated[str, typer.Option(help="Erase this session.")] = "",
    agent: Annotated[str, typer.Option(help="Erase everything of this agent.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands in the evidence.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: there is no way back.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Make what was said unreadable, for ever. Who asked, what policy found and decided, and the chain, stay.

    Example: regate audit erase --session se_f3k9 --reason "request 4711 of the data subject"
    """
    if bool(session) == bool(agent):
        raise typer.BadParameter("name a session or an agent, not both", param_hint="--session")
    config = load_config(config_path())
    found = _left(config, Order(session, agent, before="infinity"))
    if not found:
        raise RegateError(f"nothing of {session or agent} is in the evidence, or all of it was erased before")
    if not yes:
        typer.confirm(
            f"Erase {found} bodies of {session or agent}? There is no way back", abort=True, err=True
        )
    order = order_and_record(config, Order(session, agent), reason)
    with opened_state(config) as state, ApprovalStore(state).write() as rows:
        _, open_approvals = rows.forget(session=session, agent=agent)
    left = carry_out(config, lambda: _left(config, order))
    told = {"erased": found - left, "left": left, "open_approvals": open_approvals}
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(f"{found - left} bodies erased")
    tell_left(config, left)
    if open_approvals:
        typer.echo(f"{open_approvals} open approvals still show theirs; erase again when they end", err=True)


def order_and_record(config: Config, order: Order, reason: str) -> Order:
    """Record an order with who gives it, then put it in force; return it as it stands."""
    folder, by = Folder(config.audit_path), acting(config)
    order = msgspec.structs.replace(order, id=new_order_id(), key_id=by.key_id)
    about = {"session_id": order.session, "agent": order.agent, "records": len(order.targets)}
    note_act(config, "erasure_ordered", by=by, order=order.id, reason=reason, **about)
    try:
        signer = open_signer(config.evidence_key_path, folder)
        return order_erasure(folder, signer, order, datetime.now(UTC))
    except OSError as error:
        raise ConfigError(f"{folder.seals}: the order cannot be written: {error}") from error


def carry_out(config: Config, count: Callable[[], int]) -> int:
    """Seal, erase and bury until nothing is left by `count`, or time is up; returns how much is.

    What is on hold does not go: then it is enough that all is sealed.
    """
    audit = config.audit
    sealer = Sealer(
        config.audit_path,
        key=config.evidence_key_path,
        anchor=audit.anchor,
        anchor_token=audit.anchor_token,
        settle_seconds=1,
        bury_seconds=2,
    )
    sealer.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        sealer.seal(everything=True, sign=True)
        left = count()
        may_stop = not left or holds_in_force(read_seal_lines(Folder(config.audit_path)))
        if (may_stop and not sealer.unburied()) or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def tell_left(config: Config, left: int) -> None:
    """Say why something is still there: a legal hold, or a segment that is being written."""
    if left and (holds := holds_in_force(read_seal_lines(Folder(config.audit_path)))):
        typer.echo(f"{left} are left; on legal hold: {', '.join(hold.id for hold in holds)}", err=True)
    elif left:
        typer.echo(f"{left} are in segments that a gateway writes; they go when it closes them", err=True)


def _left(config: Config, order: Order) -> int:
    with query(config.audit_path, _LEFT, [order.session, order.session, order.agent, order.before]) as result:
        return int(next(result.rows)[0])
