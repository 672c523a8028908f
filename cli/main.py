"""The `regate` command: its sub-commands, and how errors reach the terminal."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.screen import block, guarded
from gateway import __version__
from gateway.errors import ConfigError, RegateError

# Each command and the module that has it: a command loads its own module only, and `--help` loads all.
_MODULES = {
    "up": "cli.up",
    "doctor": "cli.doctor",
    "keys": "cli.keys",
    "approvals": "cli.approvals",
    "policy": "cli.policy",
    "audit": "cli.audit",
    "sessions": "cli.sessions.sessions",
}


class _Commands(TyperGroup):
    """The commands, loaded when they are asked for. `Any`: Typer's own copy of click is private."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        if cmd_name in _MODULES and cmd_name not in self.commands:
            command = get_command(importlib.import_module(_MODULES[cmd_name]).app)
            command.name = cmd_name
            self.add_command(command)
        return self.commands.get(cmd_name)


app = typer.Typer(
    cls=_Commands,
    help="Policy as code for calls to large language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
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
