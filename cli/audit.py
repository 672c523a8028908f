"""`regate audit`: ask the evidence, prove it, follow it, seal it. Works on the files; no gateway need run."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cli import audit_chain, audit_erase, audit_export, audit_sql
from cli.rows import printable
from gateway.audit.folder import Folder
from gateway.audit.record import COLUMNS
from gateway.audit.sql import query
from gateway.audit.tail import Tail
from gateway.config import Config, config_path, load_config

app = typer.Typer(help="The evidence: ask it, prove it, follow it, seal it.", no_args_is_help=True)
app.command("sql")(audit_sql.sql)
app.command("views")(audit_sql.views)
app.command("erase")(audit_erase.erase)
app.command("export")(audit_export.export)
app.command("verify")(audit_chain.verify)
app.command("prove")(audit_chain.prove)
app.command("seal")(audit_chain.seal)
app.command("rotate-key")(audit_chain.rotate_key)

_TAIL_COLUMNS = (
    "recorded_at",
    "kind",
    "phase",
    "action",
    "code",
    "status",
    "agent",
    "model",
    "exchange_id",
)


@app.command()
def tail(
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=100_000, help="How many to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the newest records, and those to come.

    Example: regate audit tail -f
    """
    root = _config().audit_path
    Folder(root).prepare()
    following = Tail(root)
    seen: dict[str, int] = {}
    for record in _newest(root, lines):
        seen[record["writer"]] = max(record["seq"], seen.get(record["writer"], 0))
        _print_record(record, as_json)
    while follow:
        for line in following.read():
            record = orjson.loads(line)
            if record["seq"] > seen.get(record["writer"], 0):
                _print_record(record, as_json)
        sys.stdout.flush()
        time.sleep(0.2)


def _config() -> Config:
    return load_config(config_path())


def _newest(root: Path, count: int) -> list[dict[str, Any]]:
    select = f"SELECT {', '.join(COLUMNS)}, body FROM records"  # noqa: S608 - our own names
    with query(root, f"{select} ORDER BY recorded_at DESC, seq DESC LIMIT ?", [count]) as result:
        newest = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return newest[::-1]


def _print_record(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    values = (str(record[name]) for name in _TAIL_COLUMNS if record[name] not in ("", -1))
    typer.echo(printable("  ".join(values)))
