"""`regate up`: start the gateway and say how to use it."""

from __future__ import annotations

import socket
import sys
import time
from functools import partial
from typing import Annotated, Literal

import typer

from gateway.config import Config, config_path, load_config
from gateway.identity import create_key
from gateway.observe import configure_logs
from gateway.state import Keys, open_state

_COMMAND = (sys.executable, "-m", "cli.main", "up")
_DEMO_LIFE_SECONDS = 86400


app = typer.Typer(add_completion=False)


@app.command("up")
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Make keys that last a day and print a line to paste.")
    ] = False,
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


def _greet(config: Config, listener: socket.socket, demo: bool) -> None:
    host, port = listener.getsockname()[:2]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"regate: listening on {base}")
    typer.echo(f"regate: console     {base}/console")
    if demo:
        _print_demo(config, base)
    sys.stdout.flush()


def _print_demo(config: Config, base: str) -> None:
    """Print keys for a first look, and a request that works at once."""
    state = open_state(config.state_path)
    try:
        keys = Keys(state)
        make = partial(create_key, keys, now=time.time(), expires_seconds=_DEMO_LIFE_SECONDS)
        _, agent = make(agent="demo", owner="you")
        _, approver = make(agent="approver", owner="colleague", role="approver")
    finally:
        state.close()
    provider = next((n for n, p in config.providers.items() if p.base_url == "builtin:demo"), "")
    typer.echo(f"regate: agent key    {agent}   (agent demo, one day)")
    typer.echo(f"regate: approver key {approver}   (for REGATE_KEY and the console, one day)")
    if provider:
        typer.echo("regate: try")
        typer.echo(
            f"""
  curl -s {base}/{provider}/v1/chat/completions \\
    -H 'Authorization: Bearer {agent}' -H 'Content-Type: application/json' \\
    -d '{{"model": "demo", "messages": [{{"role": "user", "content": "Write to jane.roe@acme.org"}}]}}'
"""
        )
