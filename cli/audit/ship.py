"""`regate audit ship`: ships the evidence where no gateway does, and says how each receiver stands."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from cli.opened import note_reading
from cli.screen import line
from gateway.audit.files import Folder
from gateway.audit.shipping import Shipper, only_shipper, ship, standings
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, RegateError


def ship_evidence(
    once: Annotated[bool, typer.Option("--once", help="Ship what is there, and end.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Ship nothing; say how receivers stand.")] = False,
) -> None:
    """Ship the evidence to the receivers in the configuration, until Ctrl-C. A gateway does so by itself.

    Exit code 1 with --once or --status when a receiver did not take all of it.

    Example: regate audit ship --once
    """
    config = load_config(config_path())
    if not config.audit.receivers:
        raise ConfigError(f"{config_path()}: audit.receivers: found none to ship to")
    if not status:
        _ship(config, once)
    well = True
    for one in standings(config.audit_path, config.audit.receivers):
        failure = f"  {one.state.failure}" if one.state.failure else ""
        typer.echo(line(f"{one.receiver}  {one.behind:,} records behind{failure}"))
        well = well and not one.behind
    if (once or status) and not well:
        raise typer.Exit(1)


def _ship(config: Config, once: bool) -> None:
    with only_shipper(Folder(config.audit_path)) as alone:
        if not alone:
            raise RegateError("another process ships this evidence, as a running gateway does: see --status")
        urls = {one.name: one.url for one in config.audit.receivers}
        note_reading(config, "evidence_exported", format="shipping", receivers=urls)
        asyncio.run(_run(config, once))


async def _run(config: Config, once: bool) -> None:
    shippers = [Shipper(config.audit_path, config.root, one) for one in config.audit.receivers]
    stopping = asyncio.Event()
    if once:
        stopping.set()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await ship(shippers, stopping)
