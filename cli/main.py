"""The `regate` command: its sub-commands, and how errors reach the terminal."""

from __future__ import annotations

import sys
import traceback

import typer

from cli.late import Late, late_commands, plain
from cli.screen import block, guarded
from gateway import __version__
from gateway.errors import ConfigError, RegateError

COMMANDS = {
    "init": Late(
        "cli.first.init", "Write settings, policy with its tests, and a workflow for CI into a folder."
    ),
    "up": Late("cli.up", "Start OPA, the workers and the sealer. SIGTERM and Ctrl-C drain."),
    "demo": Late(
        "cli.first.demo", "Send five prompts through a gateway of its own, and show what became of each."
    ),
    "doctor": Late(
        "cli.doctor",
        "Look at everything the gateway needs. Exit code 1 when something stops it from working.",
    ),
    "keys": Late("cli.keys", "Make, list, replace and revoke API keys."),
    "approvals": Late("cli.approvals", "See and decide what waits for people."),
    "policy": Late("cli.policy", "Write, check, test, try and explain policy."),
    "mcp": Late("cli.mcp.command", "Serve policy tools to a coding agent over standard input and output."),
    "audit": Late("cli.audit", "The evidence: ask it, prove it, follow it, seal it."),
    "tools": Late("cli.tools", "The tools that MCP servers offer, as they last passed."),
    "scan": Late("cli.scan.scan:scan", "Find calls in a code base that go around the gateway."),
    "sessions": Late("cli.sessions.sessions", "What agents did, conversation by conversation."),
}

app = plain(
    typer.Typer(
        cls=late_commands(COMMANDS),
        help="Policy as code for calls to large language models.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _said: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Say the version."),
) -> None:
    """Policy as code for calls to large language models."""
    context.with_resource(guarded())


def main() -> None:
    """Run the command. Errors of our own are one line on stderr: 2 for configuration, 1 for the rest."""
    with guarded():
        try:
            app()
        except KeyboardInterrupt:
            sys.exit(130)
        except ConfigError as error:
            sys.exit(_fail(error, 2))
        except (RegateError, OSError) as error:
            sys.exit(_fail(error, 1))
        except Exception:  # noqa: BLE001 - the outermost handler; Python's own would print it unguarded
            traceback.print_exc()
            sys.exit(1)


def _fail(error: Exception, code: int) -> int:
    typer.echo(block(f"regate: {error}"), err=True)
    return code


if __name__ == "__main__":
    main()
