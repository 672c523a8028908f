"""`regate tools`: the tools that MCP servers offer, as they last passed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from cli.opened import LateJournal, opened_state
from cli.screen import line
from gateway.config import config_path, load_config
from gateway.oversight import NamedTool, PinnedTools, local_user
from gateway.state import ToolPins

app = typer.Typer(help="The tools that MCP servers offer, as they last passed.", no_args_is_help=True)


@app.command(epilog="Example: regate tools pins --json")
def pins(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False) -> None:
    """List what each tool last said of itself, as a digest, and since when. A change of it is a finding."""
    with _pinned() as pinned:
        found = asyncio.run(pinned.list())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for pin in found:
        typer.echo(line(f"{pin['server']}  {pin['tool']}  {pin['digest']}  since {pin['since']}"))
    if not found:
        typer.echo("no tools are pinned")


@app.command(epilog="Example: regate tools forget office/mcp send_mail")
def forget(
    server: Annotated[str, typer.Argument(help="The server, as `regate tools pins` shows it.")],
    tool: Annotated[str, typer.Argument(help="The tool's name.")],
) -> None:
    """Forget what a tool said of itself, once you know why it changed: what it says next passes as new."""
    with _pinned() as pinned:
        asyncio.run(pinned.forget(local_user(), NamedTool(server, tool)))
    typer.echo(line(f"the tool {tool} of {server} is forgotten"))


@contextmanager
def _pinned() -> Iterator[PinnedTools]:
    """Open the pins of this gateway, with a journal of this command's own."""
    config = load_config(config_path())
    with opened_state(config) as state, ExitStack() as stack:
        yield PinnedTools(ToolPins(state), LateJournal(config, stack))
