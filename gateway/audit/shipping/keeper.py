"""Keeps the shipping process running: one over all workers and commands that share an audit folder."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.audit.files.folder import Folder
from gateway.audit.files.locks import locked
from gateway.audit.shipping.worker import MARK, ShippingRequest
from gateway.config import Config, resolve_reference
from gateway.processes import spawn, stop

_AGAIN_SECONDS = 5.0
_WORKER = Path(__file__).with_name("worker.py")

_log = logging.getLogger("regate.audit")


@contextmanager
def only_shipper(folder: Folder) -> Iterator[bool]:
    """Be the one that ships during the block; yields False where another process is. Raises OSError."""
    folder.disk.make_folder(folder.shipping)
    path = folder.shipping / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with locked(descriptor, path) as taken:
            yield taken
    finally:
        os.close(descriptor)


async def keep_shipping(config: Config) -> None:
    """Run the process whenever no other one ships, until the task is canceled; then it ends as well."""
    folder = Folder(config.audit_path)
    while True:
        try:
            with only_shipper(folder) as alone:
                if alone:
                    await _run(config)
        except OSError as error:
            _log.error("evidence cannot be shipped: %s", error)
        await asyncio.sleep(_AGAIN_SECONDS)


async def _run(config: Config) -> None:
    """Run the process to its end, which it finds only in a fault of its own. Raises OSError."""
    # a child does not see the environment; files it reads itself, anew with each connection
    references = {one.credential for one in config.audit.receivers if one.credential.startswith("env:")}
    secrets = {name: secret for name in references if (secret := resolve_reference(name))}
    request = ShippingRequest(
        str(config.audit_path.resolve()), str(config.root), config.audit.receivers, secrets
    )
    process = await spawn(Path(sys.executable), "-P", str(_WORKER))
    try:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        await process.stdin.drain()
        said = ""
        async for line in process.stderr:
            said = line.decode(errors="replace").strip()
            if said.startswith(MARK):
                _log.warning("%s", said.removeprefix(MARK))
        _log.error("the process that ships evidence ended: %s", said)  # the last line of a traceback
    finally:
        await stop(process)
