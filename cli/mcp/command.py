"""`regate mcp`: the command that a coding agent's configuration names."""

from __future__ import annotations

import sys

import typer

from cli.policy.folders import PolicyFolder, configured

app = typer.Typer()


@app.command("mcp")
def mcp(path: PolicyFolder = None) -> None:
    """Serve policy tools to a coding agent over standard input and output. They only read.

    Example: claude mcp add regate -- regate mcp
    """
    from cli.mcp.stdio import Server  # here: help needs none of it
    from cli.mcp.tools import INSTRUCTIONS, tools_of

    def answer(line: str) -> None:
        typer.echo(line)
        sys.stdout.flush()

    Server(tools_of(configured(path)), INSTRUCTIONS).serve(sys.stdin.buffer, answer)
