"""Groups of commands that load the module of the one command that is asked for, and none for `--help`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command


class Late(NamedTuple):
    """Where a command is, and what the help of its group says of it."""

    place: str  # `module:function`, or a module that has an `app`
    summary: str
    epilog: str = ""


class Group(TyperGroup):
    """A group whose help says the whole sentence about each command. `Any`: Typer's click is private."""

    def summary(self, ctx: Any, name: str) -> str:
        """Return what the help says of a command."""
        command: Any = self.get_command(ctx, name)
        return str(command.get_short_help_str(1000))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands and what they do."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summary(ctx, name)) for name in self.list_commands(ctx)])


def late_commands(commands: Mapping[str, Late]) -> type[TyperGroup]:
    """Return the class of a group with these commands."""

    class Commands(Group):
        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
            if cmd_name in commands and cmd_name not in self.commands:
                self.add_command(_loaded(cmd_name, commands[cmd_name]))
            return self.commands.get(cmd_name)

        def summary(self, ctx: Any, name: str) -> str:  # noqa: ARG002 - nothing is loaded for it
            return commands[name].summary

    return Commands


def late_group(summary: str, commands: Mapping[str, Late]) -> typer.Typer:
    """Return a group with these commands and nothing of its own."""
    app = plain(
        typer.Typer(cls=late_commands(commands), help=summary, no_args_is_help=True, add_completion=False)
    )
    app.callback()(lambda: None)
    return app


def plain(app: typer.Typer) -> typer.Typer:
    """Return the application with help in plain text: to load what draws boxes takes longer than the rest.

    Below it, too, help is asked for with `-h` as with `--help`.
    """
    app.rich_markup_mode = None
    app.info.context_settings = {"help_option_names": ["-h", "--help"]}
    return app


def _loaded(name: str, late: Late) -> Any:
    module, _, function = late.place.partition(":")
    loaded = importlib.import_module(module)
    if function:
        app = typer.Typer(add_completion=False)
        app.command(name, epilog=late.epilog or None)(getattr(loaded, function))
    else:
        app = loaded.app
    command = get_command(plain(app))
    command.name = name
    return command
