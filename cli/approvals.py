"""`regate approvals`: see what waits for people, and decide it, with or without a running gateway."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack
from typing import Annotated, cast, get_args

import typer

from cli.late import Group
from cli.opened import LateJournal, opened_journal, opened_state, own_key
from cli.screen import block, line, printable
from gateway.approvals import (
    Approval,
    ApprovalBook,
    Approvals,
    Contents,
    UnknownApproval,
    as_lines,
    page_of,
    pages,
    still_needed,
    to_document,
)
from gateway.config import Config, config_path, load_config, load_server_key
from gateway.errors import ConfigError
from gateway.identity import authenticate
from gateway.state import ApprovalStore, Keys, Status, Verdict

app = typer.Typer(
    cls=Group, help="See and decide what waits for people.", no_args_is_help=True, add_completion=False
)

_ID = Annotated[str, typer.Argument(metavar="ID", help="The approval's id, ap_….")]
_STATUS = Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(Status))}. [default: all]")]
_NOTE = Annotated[str, typer.Option(help="Why; the agent's policy, the record and other approvers see it.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list", epilog="Example: regate approvals list --status pending --json")
def list_approvals(
    status: _STATUS = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 1000,
    as_json: _JSON = False,
) -> None:
    """List approvals, oldest first."""
    found = _list(load_config(config_path()), status, limit)
    if as_json:
        typer.echo(json.dumps([to_document(approval) for approval in found], ensure_ascii=False))
        return
    for approval in found:
        typer.echo(_line(approval))
    if not found:
        typer.echo("no approvals", err=True)


@app.command(epilog="Example: regate approvals show ap_k4jq2zq7w3abcdef")
def show(
    approval_id: _ID,
    page: Annotated[int, typer.Option(min=0, help="Only this page of what is asked for; 0 is all.")] = 0,
    as_json: _JSON = False,
) -> None:
    """Show one approval: who asks, why it is held, and all that would be sent or handed over, masked.

    What was found comes first, with its context.
    """
    config = load_config(config_path())
    with opened_state(config) as state, ExitStack() as stack:
        approvals = Approvals(
            ApprovalStore(state), LateJournal(config, stack), load_server_key(config.key_path)
        )
        approval = asyncio.run(approvals.read(approval_id))
        if approval is None:
            raise UnknownApproval(f"no approval {approval_id}")
        if as_json:
            _print_json(asyncio.run(approvals.describe(approval, page)))
        else:
            _print(approval, asyncio.run(approvals.contents(approval_id)), page)


@app.command(epilog='Example: REGATE_KEY=rg_… regate approvals approve ap_k4jq2zq7w3abcdef --note "ticket 7"')
def approve(approval_id: _ID, note: _NOTE, as_json: _JSON = False) -> None:
    """Say yes, as the person whose key is in REGATE_KEY (or is asked for)."""
    _decide(approval_id, "approve", note, as_json)


@app.command(
    epilog='Example: REGATE_KEY=rg_… regate approvals deny ap_k4jq2zq7w3abcdef --note "not this list"'
)
def deny(approval_id: _ID, note: _NOTE, as_json: _JSON = False) -> None:
    """Say no, as the person whose key is in REGATE_KEY (or is asked for). One no is enough."""
    _decide(approval_id, "deny", note, as_json)


@app.command(epilog="Example: regate approvals watch --json")
def watch(
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so long; 0 goes on until Ctrl-C.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Print what is pending now, and then every approval that is asked for or changes."""
    config = load_config(config_path())
    until = time.monotonic() + seconds if seconds else float("inf")
    known: dict[str, Status] = {
        approval.id: approval.status for approval in _list(config, "", 1000) if approval.status != "pending"
    }
    while True:
        for approval in _list(config, "", 1000):
            if known.get(approval.id) != approval.status:
                known[approval.id] = approval.status
                document = (
                    json.dumps(to_document(approval), ensure_ascii=False) if as_json else _line(approval)
                )
                typer.echo(document)
        if time.monotonic() >= until:
            return
        time.sleep(min(1.0, max(0.0, until - time.monotonic())))


def _decide(approval_id: str, verdict: Verdict, note: str, as_json: bool) -> None:
    config = load_config(config_path())
    with opened_state(config) as state:
        approver = authenticate(Keys(state), own_key(), time.time())
        with opened_journal(config) as journal:
            book = ApprovalBook(ApprovalStore(state), journal)
            approval = asyncio.run(book.decide(approval_id, approver, verdict, note))
    if as_json:
        _print_json(to_document(approval))
    elif approval.status == "pending":
        missing = ", ".join(still_needed(approval))
        typer.echo(line(f"{approval.id}: {approver.owner} says yes; {missing} needed"))
    else:
        typer.echo(line(f"{approval.id} is {approval.status} by {approver.owner}"))


def _list(config: Config, status: str, limit: int) -> tuple[Approval, ...]:
    if status and status not in get_args(Status):
        raise ConfigError(f"--status: found {status!r}; expected one of {', '.join(get_args(Status))}")
    with opened_state(config) as state, ExitStack() as stack:
        book = ApprovalBook(ApprovalStore(state), LateJournal(config, stack))
        return asyncio.run(book.list(status=cast(Status, status) if status else None, limit=limit))


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False))


def _print(approval: Approval, contents: Contents | None, page: int) -> None:
    for name, value in to_document(approval).items():
        if name not in ("summary", "reasons", "consents", "all_of") and value not in ("", (), [], 0):
            typer.echo(block(f"{name:<18}{', '.join(value) if isinstance(value, tuple | list) else value}"))
    for each in approval.progress:
        of, by = " or ".join(each.groups) or "any group", ", ".join(each.approvers) or "no one yet"
        typer.echo(block(f"requires          {each.count} of {of}: {by}"))
    for reason in approval.reasons:
        typer.echo(block(f"reason            {reason.get('rule', '')}: {_why(reason)}"))
    if contents is None:
        typer.echo(
            f"\nThe approval has ended; what was asked for began like this:\n\n{printable(approval.summary)}"
        )
        return
    found = pages(contents)
    for number in [page] if page else range(1, len(found) + 1):
        typer.echo(f"\npage {number} of {len(found)}\n\n{printable(as_lines(page_of(found, number)))}")


def _line(approval: Approval) -> str:
    times = to_document(approval)
    behalf = f" for {approval.on_behalf_of}" if approval.on_behalf_of else ""
    why = "; ".join(_why(reason) for reason in approval.reasons)
    who = f"{approval.agent}{behalf} (owner {approval.owner})"
    until = f"until {times['expires_at']}"
    return line(f"{approval.id}  {approval.status:<9} {until}  {approval.phase:<8}  {who}  {why}")


def _why(reason: object) -> str:
    if not isinstance(reason, dict):
        return ""
    return str(reason.get("message") or reason.get("title") or reason.get("rule") or "")
