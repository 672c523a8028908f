"""`regate audit`: ask the evidence, prove it, follow it, seal it. Works on the files; no gateway need run."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from cli import audit_sql
from cli.rows import printable
from gateway.audit import Journal, Sealer, new_writer
from gateway.audit.folder import Folder
from gateway.audit.record import COLUMNS
from gateway.audit.sql import query
from gateway.audit.tail import Tail
from gateway.audit.verify import Report, size
from gateway.audit.verify import verify as prove
from gateway.config import Config, config_path, load_config

app = typer.Typer(help="The evidence: ask it, prove it, follow it, seal it.", no_args_is_help=True)
app.command("sql")(audit_sql.sql)
app.command("views")(audit_sql.views)

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
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as one JSON object.")] = False,
    public_key: Annotated[
        Path | None, typer.Option(help="The public evidence key; by default the one beside the state.")
    ] = None,
) -> None:
    """Prove the chain: 0 intact, 1 broken, with the first broken record of each chain.

    Example: regate audit verify
    """
    config = _config()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("proving", total=size(config.audit_path))
        report = prove(
            config.audit_path,
            public_key or _key(config).with_suffix(".pub"),
            progress=lambda proved: progress.advance(task, proved),
        )
    typer.echo(orjson.dumps(report.document()).decode() if as_json else _told(report))
    raise typer.Exit(0 if report.intact else 1)


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


@app.command()
def seal(
    as_json: Annotated[bool, typer.Option("--json", help="What was sealed as one JSON object.")] = False,
) -> None:
    """Seal what no gateway is writing any more: closed segments and those of processes that died.

    Example: regate audit seal
    """
    config = _config()
    # a journal of our own: its start cuts off what a dead writer left torn, and records the cut
    journal = Journal(config.audit_path, new_writer(), key=_key(config))
    journal.start()
    journal.close()
    sealer = Sealer(config.audit_path, key=_key(config))
    sealer.start()
    done = sealer.seal(everything=True, sign=True)
    if as_json:
        typer.echo(json.dumps({"sealed": done.segments, "refused": done.refused, "busy": done.busy}))
    elif done.busy:
        typer.echo("another process is sealing")
    else:
        typer.echo(f"{len(done.segments)} segments sealed")
    for segment, reason in (done.refused or {}).items():
        typer.echo(f"{segment} cannot be sealed: {reason}", err=True)
    raise typer.Exit(1 if done.refused else 0)


def _config() -> Config:
    return load_config(config_path())


def _key(config: Config) -> Path:
    return config.evidence_key_path


def _told(report: Report) -> str:
    verdict = "intact" if report.intact else "BROKEN"
    count = f"{report.records} records in {report.segments} segments of {report.chains} chains"
    unsigned = f", {report.unsigned} of them behind no signed head yet" if report.unsigned else ""
    return "\n".join([*map(str, report.breaks), *report.notes, f"{verdict}: {count}{unsigned}"])


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
