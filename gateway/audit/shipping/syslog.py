"""Batches as syslog (RFC 5424) over TCP, TLS (RFC 5425) or a Unix socket, each message behind its length.

Syslog has no answers. So a batch is a connection: once all is written we end our side, and the receiver,
which reads to that end, ends its own. A receiver that goes away with something unread resets the connection,
which is a no. Over TLS its end must be TLS's own (close_notify), or anyone on the way could make one up. Some
receivers end as over TCP, rsyslog with GnuTLS among them: `ends_tls: false` takes that for an end.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress

from gateway.audit.shipping.messages import Message
from gateway.audit.shipping.receiver import SECONDS, NotTaken

_FACILITY = 13  # log audit
_WARNING, _INFO = 4, 6
_READ = 4096


class SyslogReceiver:
    """Opens a connection a batch: to a host and port, or to a Unix socket's path."""

    def __init__(
        self, address: tuple[str, int] | str, tls: ssl.SSLContext | None = None, *, ends_tls: bool = True
    ) -> None:
        self._address = address
        self._tls = tls
        self._ends_tls = ends_tls
        self._host = "".join(letter for letter in socket.gethostname() if "!" <= letter <= "~")[:255] or "-"

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once the receiver has read them all. Raises NotTaken."""
        data = b"".join(self._framed(message) for message in messages)
        try:
            await asyncio.to_thread(self._write, data)
        except TimeoutError as error:
            raise NotTaken(f"it did not read to the end within {SECONDS:.0f} s") from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            told = "it ended the connection without ending TLS first (ends_tls: false takes that for an end)"
            raise NotTaken(told) from error
        except OSError as error:
            raise NotTaken(str(error)) from error

    async def close(self) -> None:
        """Let go of nothing: no connection outlives its batch."""

    def _framed(self, message: Message) -> bytes:
        priority = 8 * _FACILITY + (_WARNING if message.grave else _INFO)
        head = f"<{priority}>1 {message.recorded_at} {self._host} regate {message.writer} {message.kind} - "
        text = head.encode() + message.body
        return b"%d %b" % (len(text), text)

    def _write(self, data: bytes) -> None:
        deadline = time.monotonic() + SECONDS
        with self._connected() as connection:
            view = memoryview(data)
            while view:
                connection.settimeout(_left(deadline))
                view = view[connection.send(view) :]
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(_left(deadline))
                with suppress(*() if self._ends_tls else (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                    connection.unwrap().close()
                return
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(_left(deadline))
            while connection.recv(_READ):
                connection.settimeout(_left(deadline))

    def _connected(self) -> socket.socket:
        if isinstance(self._address, str):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(SECONDS)
            try:
                connection.connect(self._address)
            except OSError:
                connection.close()
                raise
            return connection
        connection = socket.create_connection(self._address, SECONDS)
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_hostname=self._address[0])
        except OSError:
            connection.close()
            raise


def _left(deadline: float) -> float:
    """Return the seconds that are left. Raises TimeoutError when none are."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left
