"""`regate sessions replay`: a session played in the terminal at its own pace, or written as one page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from cli.rows import text_output
from cli.screen import block, line
from cli.sessions.story import Event
from gateway.http.console import rendering

_COLOURS = {
    "allow": typer.colors.GREEN,
    "mask": typer.colors.BLUE,
    "require_approval": typer.colors.YELLOW,
    "deny": typer.colors.RED,
}


def play(events: Sequence[Event], speed: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Print the events with the time between them, divided by `speed`."""
    previous = events[0].at
    typer.secho(_heading(events[0].record), bold=True)
    for event in events:
        pause = (event.at - previous).total_seconds() / speed
        if pause > 0:
            sleep(pause)
        previous = event.at
        typer.secho(f"\n{event.at:%H:%M:%S.%f}"[:-3] + f"  {_told(event)}", fg=_colour(event))
        for said in _lines(event):
            typer.echo(block(said))


def write_page(session_id: str, events: Sequence[Event], out: Path) -> None:
    """Write one HTML page that needs nothing else and runs no script. Raises ConfigError."""
    here = Path(__file__).with_name("templates")
    css = Path(rendering.__file__).with_name("static").joinpath("console.css")
    page = rendering.environment(here).get_template("session.html")
    with text_output(out) as file:
        file.write(
            page.render(
                session_id=session_id,
                events=[(event, _told(event)) for event in events],
                who=events[0].record,
                styles=css.read_text("utf-8"),
            )
        )


def _heading(record: Mapping[str, Any]) -> str:
    by = "a token proves" if record["delegation"] == "proved" else "the agent says"
    named = f", for {record['on_behalf_of']} as {by}" if record["on_behalf_of"] else ""
    return line(f"agent {record['agent']}, owned by {record['owner']}{named}; times are UTC")


def _told(event: Event) -> str:
    """Say what happened, in one line."""
    record = event.record
    match event.kind:
        case "prompt":
            return line(f"asks {record['model'] or record['provider'] or 'no model'}")
        case "decision":
            about = "the answer" if record["phase"] == "response" else "the prompt"
            dry = "" if record["enforced"] else " (not carried out: a dry run)"
            return line(f"{record['action']} {about}{dry}, {record['decision_id']}")
        case "approval":
            act = record["act"]
            by = f" by {act['by']}" if act["by"] else ""
            note = f": {act['note']}" if act["note"] else ""
            return line(f"approval {record['approval_id']} {act['event']}{by}{note}")
        case "refusal":
            return line(f"refused: {record['code']}: {record['message']}")
        case "completion":
            return f"ended: {record['code']}" if record["code"] else _answered(record)


def _answered(record: Mapping[str, Any]) -> str:
    tokens = ""
    if record["input_tokens"] >= 0:
        tokens = f", {record['input_tokens']} tokens in and {max(record['output_tokens'], 0)} out"
    return f"answers {record['status']} after {record['duration_ms'] / 1000:.1f} s{tokens}"


def _lines(event: Event) -> Iterator[str]:
    if event.kind == "decision":
        for reason in event.record["reasons"]:
            said = reason["message"] or reason["title"]
            yield f"    {reason['severity'] or 'medium'}: {reason['rule']}: {said}"
    for part in event.parts:
        text = "[not recorded]" if part["text"] is None else part["text"]
        yield f"    {part['role'] or part['kind']}: " + text


def _colour(event: Event) -> str | None:
    if event.kind == "refusal":
        return typer.colors.RED
    return _COLOURS.get(event.record["action"]) if event.kind == "decision" else None
