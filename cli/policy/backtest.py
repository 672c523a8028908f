"""`regate policy backtest`: what a candidate would have decided about the traffic that was recorded."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from cli.moments import ago
from cli.policy.backtest_forms import Backtested, markdown, sarif
from cli.policy.bundles import known_verify_key
from cli.policy.folders import AsJson
from cli.policy.uncovered import uncovered
from cli.screen import line, progress_bar
from gateway.candidate import ERROR, BacktestReport, Cell, Example, FailOn, parse_fail_on, run_backtest
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, RegateError
from gateway.policy import PolicySource, configured_policy, is_bundle, load_source, with_tables
from gateway.policy.bundle import read_archive, read_bundle
from gateway.policy.engine import Engine

_CHANGED = {
    "mask": "masks",
    "approval": "approval terms",
    "record": "what is recorded",
    "response": "when it is asked",
}
_LOST = {
    "not_recorded": "their text was not recorded (decision.record: metadata)",
    "erased": "their content was erased",
    "unreadable": "their records are damaged (see regate audit verify)",
}


class ReportForm(StrEnum):
    """What the report is written as."""

    TEXT = "text"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JSON = "json"


class NothingReplayed(RegateError):
    """A backtest over no decision at all says nothing, and must not pass for a good one."""


def backtest(
    candidate: Annotated[
        Path | None,
        typer.Option(
            help="A folder or a signed bundle. [default: policy.path, which proves the replay exact]"
        ),
    ] = None,
    since: Annotated[str, typer.Option(help="How far to go back: 7d, 12h, 45m, or all.")] = "7d",
    sample: Annotated[
        int, typer.Option(min=0, help="Replay so many decisions, spread evenly over the time. 0: all.")
    ] = 0,
    fail_on: Annotated[
        str, typer.Option(help="Transitions that end in exit code 1: allow:deny,any:error,mask:mask.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="How many exchanges to list for each difference.")] = 5,
    engine: Annotated[
        Engine | None, typer.Option(help="[default: embedded, the quicker one in bulk]")
    ] = None,
    form: Annotated[
        ReportForm, typer.Option("--format", help="markdown is for a pull request, sarif for code scanning.")
    ] = ReportForm.TEXT,
    as_json: AsJson = False,
) -> None:
    """Replay recorded decisions against a candidate policy, and say which would have been others.

    Exit code 1: a transition that --fail-on names, a decision that its own revision no longer makes, or
    nothing to replay. 2: a candidate that cannot be used.
    """
    gates = parse_fail_on(fail_on)
    config = load_config(config_path())
    source = _source(config, candidate)
    with progress_bar(
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    ) as progress:
        task = progress.add_task("replaying", total=None)
        report = asyncio.run(
            run_backtest(
                config.audit_path,
                source,
                since=_moment(since),
                sample=sample,
                engine=engine,
                timeout_seconds=config.policy.timeout_seconds,
                limit=limit,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        )
    _write(config, source, report, gates, ReportForm.JSON if as_json else form, _moment(since))
    if not report.replayed:
        raise NothingReplayed(f"no decision of the time asked for ({since}) could be replayed")
    raise typer.Exit(1 if report.untrue or report.refused_by(gates) else 0)


def _write(
    config: Config,
    source: PolicySource,
    report: BacktestReport,
    gates: tuple[FailOn, ...],
    form: ReportForm,
    since: datetime | None,
) -> None:
    if form is ReportForm.TEXT:
        _print(report, gates)
    elif form is ReportForm.JSON:
        typer.echo(json.dumps(report.document(gates), ensure_ascii=False))
    else:
        failed = any(cell.transition.after == ERROR for cell in report.cells.values())
        lines = None if failed else uncovered(config.audit_path, source, since)
        told = Backtested(report, gates, source, _named(config, source.root), lines)
        typer.echo(
            markdown(told) if form is ReportForm.MARKDOWN else json.dumps(sarif(told), ensure_ascii=False)
        )


def _named(config: Config, root: Path) -> str:
    """Return a folder or bundle as the project's repository names it."""
    path = root.resolve()
    return path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else path.name


def _source(config: Config, candidate: Path | None) -> PolicySource:
    """Read a folder, a signed bundle, or the policy in force. Raises ConfigError."""
    if candidate is None:
        return configured_policy(config)
    if is_bundle(candidate):
        found = read_bundle(candidate, read_archive(candidate), known_verify_key(config, None))
    else:
        found = load_source(candidate.absolute())
    return with_tables(found, config.tables_path, config.tables_key_path)  # a candidate reads those of today


def _moment(since: str) -> datetime | None:
    if since == "all":
        return None
    if (found := ago(since)) is None:
        raise ConfigError(f"--since: found {since!r}; expected a duration like 7d, 12h or 45m, or all")
    return found


def _print(report: BacktestReport, gates: tuple[FailOn, ...]) -> None:
    typer.echo(
        f"{report.replayed:,} of {report.recorded:,} recorded decisions replayed in {report.seconds:.1f} s\n"
        f"by revision {report.revision} ({report.engine} engine)"
    )
    for reason, count in sorted(report.lost.items()):
        typer.echo(f"{count:,} could not be replayed: {_LOST[reason]}")
    if report.dropped_segments:
        typer.echo(
            f"{report.dropped_records:,} records of that time are gone, "
            f"in {report.dropped_segments} sealed segments"
        )
    typer.echo()
    refused = report.refused_by(gates)
    for cell in report.ordered():
        typer.echo(_row(cell) + ("   refused by --fail-on" if cell in refused else ""))
        _print_examples(cell.examples)
    if report.untrue:
        typer.echo(
            f"\n{report.untrue:,} of them were decided by this very revision: the replay is not exact or "
            "the evidence was altered (see regate audit verify)"
        )
        _print_examples(report.untrue_examples)


def _row(cell: Cell) -> str:
    transition = cell.transition
    change = ", ".join(_CHANGED.get(name, name) for name in transition.changed)
    what = "same" if transition.same else f"other {change}" if change else ""
    return f"{transition.before} → {transition.after}: {cell.count:,}   {what}".rstrip()


def _print_examples(examples: list[Example]) -> None:
    """Print where each example is, and what the candidate decides about it."""
    for one in examples:
        where = (one.exchange_id, one.decision_id, one.phase, one.agent, one.recorded_at)
        typer.echo(f"    {_line('  '.join(where))}")
        for text in [*one.said(), *([one.error] if one.error else [])]:
            typer.echo(f"        {_line(text)}")


def _line(text: str) -> str:
    """Return one line, whatever an agent's name or a policy's words hold."""
    return line(" ".join(text.split("\n")))
