"""The process that ships: `python worker.py`, with one request as JSON on standard input.

It is beside the gateway, so that nothing that a receiver does can hold a request up. It ends on SIGTERM,
after a last attempt.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec

from gateway.audit.shipping.shipper import Shipper, ship
from gateway.config import AuditReceiver

MARK = "shipping: "  # before each line of its log


class ShippingRequest(msgspec.Struct, frozen=True):
    """What to ship where: `base` is the folder that paths in receivers start from."""

    root: str
    base: str
    receivers: tuple[AuditReceiver, ...]
    secrets: dict[str, str]


async def main(request: ShippingRequest) -> None:
    """Ship until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    root, base = Path(request.root), Path(request.base)
    await ship([Shipper(root, base, each, request.secrets) for each in request.receivers], stopping)


if __name__ == "__main__":
    logging.basicConfig(format=f"{MARK}%(message)s", level=logging.WARNING)
    os.nice(5)  # requests come first on a busy machine
    asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.readline(), type=ShippingRequest)))
