"""The `regate` command: its sub-commands, and how errors reach the terminal."""

from __future__ import annotations

import sys
import traceback

import typer

from cli import approvals, audit, doctor, keys, policy, sessions, up
from cli.screen import block, guarded
from gateway import __version__
from gateway.errors import ConfigError, RegateError

app = typer.Typer(
    help="Policy as code for calls to large language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(approvals.app, name="approvals")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(sessions.app, name="sessions")


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
