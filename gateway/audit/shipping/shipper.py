"""Ships to one receiver: reads a batch, sends it, and moves the cursor once the receiver has said yes.

After a failure nothing is kept: the next attempt reads from the cursor on, so that what was erased meanwhile
does not leave.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.shipping.http import JSON_LINES, HttpReceiver
from gateway.audit.shipping.kafka import KAFKA
from gateway.audit.shipping.messages import Message, message_of
from gateway.audit.shipping.otlp import logs_encoding
from gateway.audit.shipping.receiver import NotTaken, Sends, tls_context
from gateway.audit.shipping.source import EvidenceSource, SourceUnreadable
from gateway.audit.shipping.state import ShippingState, StateFile
from gateway.audit.shipping.syslog import SyslogReceiver
from gateway.config import AuditReceiver, resolve_reference

_POLL_SECONDS = 1.0
_WAIT_SECONDS = (1.0, 60.0)  # after the first failure, and at most
_SYSLOG_PORTS = {"syslog+tcp": 514, "syslog+tls": 6514}

_log = logging.getLogger("regate.audit")


class Shipper:
    """One receiver's. `secrets` are what references stand for that this process cannot resolve itself."""

    def __init__(
        self, root: Path, base: Path, receiver: AuditReceiver, secrets: Mapping[str, str] | None = None
    ) -> None:
        self._folder = Folder(root)
        self._base = base
        self._receiver = receiver
        self._secrets = secrets or {}
        self._file = StateFile(self._folder, receiver.name)
        self._state = ShippingState()
        self._is_loaded = False  # before that, nothing is written over what may be there
        self._source: EvidenceSource | None = None
        self._sends: Sends | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Ship until asked to stop, and once more then."""
        waits = _WAIT_SECONDS[0]
        while True:
            last = stopping.is_set()
            well = await self.attempt()
            if last:
                await self._forget()
                return
            waits = _WAIT_SECONDS[0] if well else min(2 * waits, _WAIT_SECONDS[1])
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS if well else waits * random.uniform(0.5, 1)):  # noqa: S311
                    await stopping.wait()

    async def attempt(self) -> bool:
        """Ship what is new; return whether all of it went. A failure is kept where operators look."""
        try:
            await self._ship()
        except Exception as error:  # noqa: BLE001 - what is wrong with one receiver must not stop the others
            await self._forget()
            self._tell(str(error) or type(error).__name__)
            return False
        self._tell("")
        return True

    async def close(self) -> None:
        """Let go of connections."""
        await self._forget()

    async def _ship(self) -> None:
        if self._source is None:
            self._state, self._is_loaded = self._file.load(), True
            self._source = EvidenceSource(self._folder, self._state.cursor)
        for batch in self._source.batches():
            found = [
                message_of(line, self._receiver.format, self._receiver.message_bytes) for line in batch.lines
            ]
            if messages := [message for message in found if message]:
                await self._deliver(messages)
            dropped = self._state.dropped + batch.dropped
            if batch.lines or batch.cursor != self._state.cursor:
                self._save(cursor=batch.cursor, shipped_at=stamp(datetime.now(UTC)), dropped=dropped)
        if self._source.unreadable:
            raise SourceUnreadable(self._source.unreadable)

    async def _deliver(self, messages: Sequence[Message]) -> None:
        """Send a batch; halve it where it is too much, down to one message, whose body then stays behind."""
        self._sends = self._sends or self._connect()
        try:
            await self._sends.send(messages)
        except NotTaken as refused:
            if not refused.too_much:
                raise
            if len(messages) > 1:
                half = len(messages) // 2
                await self._deliver(messages[:half])
                await self._deliver(messages[half:])
                return
            (message,) = messages
            if message.body == message.short:
                raise NotTaken(f"record {message.uid}: {refused}") from refused
            await self._deliver([replace(message, body=message.short)])

    def _connect(self) -> Sends:
        """Raises NotTaken."""
        receiver = self._receiver
        ca, certificate = (
            self._base / path if path else None for path in (receiver.ca, receiver.certificate)
        )
        tls = tls_context(ca, certificate)
        if receiver.url.startswith("syslog+unix:"):
            return SyslogReceiver(receiver.url.removeprefix("syslog+unix:"))
        url = urlsplit(receiver.url)
        if url.scheme in _SYSLOG_PORTS:
            address = (url.hostname or "", url.port or _SYSLOG_PORTS[url.scheme])
            over = tls if url.scheme == "syslog+tls" else None
            return SyslogReceiver(address, over, ends_tls=receiver.ends_tls)
        kind, _, rest = receiver.url.rpartition("+")
        credential = self._credential()
        if kind == "otlp":
            return HttpReceiver(f"{rest.rstrip('/')}/v1/logs", logs_encoding(), credential, tls)
        return HttpReceiver(rest, KAFKA if kind == "kafka" else JSON_LINES, credential, tls)

    def _credential(self) -> Mapping[str, str]:
        """Return the header that says who ships. Raises NotTaken when its secret is not set."""
        reference = self._receiver.credential
        if not reference:
            return {}
        secret = self._secrets.get(reference) or resolve_reference(reference)
        if secret is None:
            raise NotTaken(f"its credential {reference} is not set")
        if named := self._receiver.credential_header:
            return {named: secret}
        return {"authorization": f"Bearer {secret}"}

    async def _forget(self) -> None:
        sends, self._sends, self._source = self._sends, None, None
        if sends:
            await sends.close()

    def _tell(self, failure: str) -> None:
        """Keep a failure, and its end; each is logged once."""
        if failure == self._state.failure:
            return
        name = self._receiver.name
        if failure:
            _log.error("evidence is not shipped to %s: %s", name, failure)
        else:
            _log.warning("evidence is shipped to %s again", name)
        since = self._state.failing_since or stamp(datetime.now(UTC))
        try:
            self._save(failure=failure, failing_since=since if failure else "")
        except OSError as error:
            _log.error("how shipping to %s stands cannot be kept: %s", name, error)

    def _save(self, **changes: object) -> None:
        made = msgspec.structs.replace(self._state, **changes)
        if self._is_loaded:
            self._file.save(made)
        self._state = made


async def ship(shippers: Sequence[Shipper], stopping: asyncio.Event) -> None:
    """Ship to all receivers at once: one that hangs keeps no other waiting."""
    async with asyncio.TaskGroup() as group:
        for shipper in shippers:
            group.create_task(shipper.run(stopping))
