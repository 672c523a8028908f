"""A backtest's report for others to show: Markdown for a pull request, SARIF for code scanning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.policy.uncovered import Place
from cli.sarif import sarif_log, sarif_place
from cli.screen import line
from gateway.candidate import BacktestReport, Cell, Example, FailOn
from gateway.policy import PolicySource

_LINES = 40  # that a comment names, so that it stays short
_MOST_CHARACTERS = 60_000  # GitHub takes 65,536
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#~@!&]")


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a backtest found: `folder` is the candidate's, as the repository names it."""

    report: BacktestReport
    gates: tuple[FailOn, ...]
    source: PolicySource
    folder: str
    uncovered: Sequence[Place] | None
    refused: Sequence[Cell] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "refused", self.report.refused_by(self.gates))


def markdown(told: Backtested) -> str:
    """Return a comment for a pull request: verdict, counts, exchanges, lines without traffic."""
    text = "\n".join([*_head(told), *_table(told), *_examples(told), *_lines(told)]) + "\n"
    if len(text) <= _MOST_CHARACTERS:
        return text
    return text[:_MOST_CHARACTERS].rpartition("\n")[0] + "\n\nCut here: the whole report has more.\n"


def sarif(told: Backtested) -> dict[str, Any]:
    """Return SARIF 2.1.0: differences at the rules that make them, and lines without traffic."""
    results = [_result(told, cell, one) for cell in told.report.ordered() for one in cell.examples] + [
        _unrun(told, place) for place in told.uncovered or ()
    ]
    rules = sorted({str(result["ruleId"]) for result in results})
    return sarif_log("regate policy backtest", {rule: _meaning(rule) for rule in rules}, results)


def _head(told: Backtested) -> Iterator[str]:
    report = told.report
    if told.refused or report.untrue:
        count = sum(cell.count for cell in told.refused)
        verdict = f"**Refused:** {count:,} decisions change as `--fail-on` forbids"
    elif not report.replayed:
        verdict = "**Nothing could be replayed**"
    elif report.different:
        verdict = f"**{report.different:,} decisions would have been others**"
    else:
        verdict = "**No decision would have been another**"
    yield from (
        "### Policy backtest",
        "",
        f"{verdict}, of {report.replayed:,} replayed by revision `{report.revision}`.",
    )
    if lost := report.lost.total():
        yield f"{lost:,} could not be replayed: their content is not there."
    if report.untrue:
        yield f"{report.untrue:,} were decided by this very revision: an altered record, or no exact replay."
    yield ""


def _table(told: Backtested) -> Iterator[str]:
    yield from ("| was | would be | other | decisions | |", "|---|---|---|---:|---|")
    for cell in told.report.ordered():
        each = cell.transition
        note = "refused" if cell in told.refused else ""
        yield f"| {each.before} | {each.after} | {', '.join(each.changed)} | {cell.count:,} | {note} |"
    yield ""


def _examples(told: Backtested) -> Iterator[str]:
    for cell in told.report.ordered():
        if cell.examples:
            what = f"{cell.transition.before} → {cell.transition.after}"
            yield f"<details><summary>{what}: exchanges</summary>\n"
            for one in cell.examples:
                where = f"`{one.exchange_id}` {one.phase}, {_plain(one.agent)}, {one.recorded_at}"
                yield f"- {where}: {_plain('; '.join(_why(one)))}"
            yield "\n</details>\n"


def _lines(told: Backtested) -> Iterator[str]:
    if told.uncovered is None:
        yield "Which lines of Rego this traffic runs is not known."
        return
    if not told.uncovered:
        yield "This traffic runs every line of Rego."
        return
    by_file: dict[str, list[str]] = {}
    for name, number in told.uncovered:
        by_file.setdefault(name, []).append(str(number))
    yield f"<details><summary>{len(told.uncovered):,} lines of Rego that this traffic never runs</summary>\n"
    for name, numbers in by_file.items():
        more = f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else ""
        yield f"- `{told.folder}/{name}`: {', '.join(numbers[:_LINES])}{more}"
    yield "\n</details>"


def _why(one: Example) -> Iterator[str]:
    yield from one.said()
    if one.error:
        yield one.error
    elif not one.reasons:
        yield "no rule objects"


def _plain(text: str) -> str:
    """Return a text of others on one line that no renderer takes for markup, a mention or a link."""
    return _MARKUP.sub(lambda found: f"&#{ord(found.group())};", line(" ".join(text.split("\n")))).replace(
        "://", ":&#8203;//"
    )


def _result(told: Backtested, cell: Cell, one: Example) -> dict[str, Any]:
    each = cell.transition
    name = str(one.reasons[0]["rule"]) if one.reasons else ""
    changed = f" ({', '.join(each.changed)})" if each.changed else ""
    said = f"{each.before} → {each.after}{changed}, {cell.count:,} decisions: {'; '.join(_why(one))}"
    return {
        "ruleId": f"{each.before}:{each.after}",
        "level": "error" if cell in told.refused else "warning",
        "message": {"text": line(f"{said} [exchange {one.exchange_id}, agent {one.agent}]")},
        "locations": [_location(told, *_place_of(told.source, name))],
        "partialFingerprints": {"transition/v1": f"{each.before}:{each.after}:{name}:{one.decision_id}"},
        "properties": {"exchange_id": one.exchange_id, "decision_id": one.decision_id},
    }


def _unrun(told: Backtested, place: Place) -> dict[str, Any]:
    return {
        "ruleId": "not-run",
        "level": "note",
        "message": {"text": "No recorded input runs this line: the backtest says nothing of it."},
        "locations": [_location(told, *place)],
    }


def _place_of(source: PolicySource, rule: str) -> Place:
    """Return where a rule spells its name out; the main file where none does."""
    spelt = f'"rule": "{rule}"'
    topic = f"rules/{rule.partition('.')[0]}.rego"
    for name, text in source.modules.items():
        if spelt in text:
            return name, text[: text.index(spelt)].count("\n") + 1
    return (topic if topic in source.modules else min(source.modules)), 1


def _location(told: Backtested, name: str, number: int) -> dict[str, Any]:
    return sarif_place(f"{told.folder}/{name}", number)


def _meaning(rule: str) -> str:
    if rule == "not-run":
        return "A line that no recorded input runs"
    before, _, after = rule.partition(":")
    return f"A decision that was {before} would be {after}" if before != after else f"Another {before}"
