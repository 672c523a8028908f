"""`regate up`: start the gateway and say how to use it."""

from __future__ import annotations

import socket
import sys
from functools import partial
from typing import Annotated, Literal

import typer

from gateway.config import Config, config_path, load_config
from gateway.observe import configure_logs

_COMMAND = (sys.executable, "-m", "cli.main", "up")


app = typer.Typer(add_completion=False)


@app.command("up")
def up(
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo",
            help="Make keys that last a day, and print a request to paste. "
            "[default: when there is no key yet, and listen is an address of this machine alone]",
        ),
    ] = None,
    fd: Annotated[int, typer.Option(hidden=True, help="A listening socket of the parent's.")] = -1,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Option(envvar="REGATE_LOG", help="debug adds each step of an exchange, without content."),
    ] = "info",
) -> None:
    """Start OPA, the workers and the sealer. SIGTERM and Ctrl-C drain.

    Example: REGATE_CONFIG=regate.yaml regate up
    """
    from gateway import serve  # the analyzers behind it take seconds to import: no other command waits

    config = load_config(config_path())
    configure_logs(log_level)
    if fd >= 0:
        serve.drain_with_parent()
        serve.run_worker(config, socket.socket(fileno=fd))
        return
    listener = serve.listen(config)
    greet = partial(_greet, config, listener, demo)
    if config.workers == 1:
        serve.run_worker(config, listener, greet)
        return
    raise typer.Exit(serve.run_workers(config, listener, [*_COMMAND, "--log-level", log_level], greet))


def _greet(config: Config, listener: socket.socket, demo: bool | None) -> None:
    host, port = listener.getsockname()[:2]
    scheme = "https" if config.listen_tls else "http"
    base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"regate: listening on {base}")
    typer.echo(f"regate: console     {base}/console")
    if demo is not False:
        from cli.first.welcome import is_first, welcome  # they import what the gateway imports

        if demo or is_first(config):
            typer.echo(welcome(config, base, to_terminal=sys.stdout.isatty()))
    sys.stdout.flush()
