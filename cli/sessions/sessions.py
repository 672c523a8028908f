"""`regate sessions`: what agents did, conversation by conversation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cli.late import Group
from cli.opened import note_act
from cli.rows import Format, write_rows
from cli.screen import block, line
from cli.sessions.replay import play, write_page
from cli.sessions.story import read_story
from gateway.audit.reading import query
from gateway.audit.sealing import load_content_key
from gateway.config import Config, config_path, load_config
from gateway.errors import RegateError

app = typer.Typer(
    cls=Group,
    help="What agents did, conversation by conversation.",
    no_args_is_help=True,
    add_completion=False,
)

_LIST = """
    SELECT session_id, agent, started_at, exchanges, masked, held, denied,
        coalesce(input_tokens, 0) AS input_tokens, coalesce(output_tokens, 0) AS output_tokens, entities
    FROM sessions WHERE ? = '' OR agent = ? ORDER BY ended_at DESC LIMIT ?
"""
_EXCHANGES = "SELECT * FROM exchanges WHERE session_id = ? ORDER BY started_at"
# a decision asked twice lists its parts twice: what is shown is the first asking
_PARTS = """
    SELECT exchange_id, record_kind, role, kind, pointer, text FROM parts
    WHERE session_id = ? AND is_new AND phase IS DISTINCT FROM 'response'
    QUALIFY seq = min(seq) OVER (PARTITION BY exchange_id, record_kind)
    ORDER BY recorded_at, seq, place
"""
_SEALED = """
    SELECT exchange_id, kind AS record_kind, body->>'$.content_key' AS content_key,
        part->>'$.pointer' AS pointer, part->>'$.digest' AS digest, part->>'$.sealed' AS sealed
    FROM (SELECT *, unnest(from_json(body->'$.parts', '["JSON"]')) AS part
          FROM records WHERE session_id = ? AND kind IN ('decision', 'completion'))
    WHERE sealed IS NOT NULL
"""
_REASONS = "SELECT exchange_id, action, rule, message FROM reasons WHERE session_id = ? ORDER BY recorded_at"


@app.command("list")
def list_sessions(
    agent: Annotated[str, typer.Option(help="Only this agent's.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="An array of objects.")] = False,
) -> None:
    """List sessions, the latest first.

    Example: regate sessions list --agent billing-bot
    """
    with query(_root(), _LIST, [agent, agent, limit]) as result:
        write_rows(result, Format.JSON if as_json else Format.TABLE, sys.stdout)


@app.command()
def show(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="A session's id, as `list` prints it.")],
    full: Annotated[
        bool,
        typer.Option("--full", help="Decrypt what `record: full` kept; it is recorded that you did."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="An array of exchanges with parts and reasons.")
    ] = False,
) -> None:
    """Show a session: each exchange with what was new in it, what policy said and how it ended.

    Example: regate sessions show s_f3k9
    """
    exchanges = _exchanges(_root(), session_id)
    if not exchanges:
        raise RegateError(f"no session {session_id!r} in the evidence; `regate sessions list` names them")
    if full:
        _decrypt(load_config(config_path()), session_id, exchanges)
    if as_json:
        typer.echo(orjson.dumps(exchanges, option=orjson.OPT_INDENT_2).decode())
        return
    for exchange in exchanges:
        _print(exchange)


@app.command()
def replay(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="A session's id, as `list` prints it.")],
    speed: Annotated[float, typer.Option(min=0.01, help="How many times faster than it happened.")] = 1,
    html: Annotated[
        Path | None, typer.Option(help="Write one self-contained page to this file and play nothing.")
    ] = None,
) -> None:
    """Play a session as it happened: prompts, decisions with reasons, approvals, answers, each at its time.

    Example: regate sessions replay se_f3k9 --speed 10
    """
    events = read_story(_root(), session_id)
    if html is None:
        play(events, speed)
    else:
        write_page(session_id, events, html)


def _exchanges(root: Path, session_id: str) -> list[dict[str, Any]]:
    exchanges = _rows(root, _EXCHANGES, session_id)
    for key, select in (("parts", _PARTS), ("reasons", _REASONS)):
        rows = _rows(root, select, session_id)
        for exchange in exchanges:
            exchange[key] = [row for row in rows if row["exchange_id"] == exchange["exchange_id"]]
    return exchanges


def _decrypt(config: Config, session_id: str, exchanges: list[dict[str, Any]]) -> None:
    """Put the full text in the place of the masked one, once it is on record that the local user reads it."""
    content_key = load_content_key(config)
    texts = {
        (row["exchange_id"], row["record_kind"], row["pointer"]): content_key.decrypt(
            session_id, row["content_key"], row["sealed"], row["digest"]
        )
        for row in _rows(config.audit_path, _SEALED, session_id)
    }
    note_act(config, "content_read", session_id=session_id, parts=len(texts))
    for exchange in exchanges:
        for part in exchange["parts"]:
            place = (part["exchange_id"], part["record_kind"], part["pointer"])
            part["text"] = texts.get(place, part["text"])


def _rows(root: Path, select: str, session_id: str) -> list[dict[str, Any]]:
    with query(root, select, [session_id]) as result:
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _print(exchange: dict[str, Any]) -> None:
    head = ("started_at", "exchange_id", "agent", "model", "action", "state", "code")
    typer.secho(line("  ".join(str(exchange[name]) for name in head if exchange[name])), bold=True)
    for reason in exchange["reasons"]:
        typer.echo(block(f"  {reason['action']}: {reason['rule']}: {reason['message']}"))
    for part in exchange["parts"]:
        who = part["role"] or part["kind"]
        typer.echo(block(f"  {who}: {part['text'] or '[not recorded]'}"))
    typer.echo("")


def _root() -> Path:
    return load_config(config_path()).audit_path
