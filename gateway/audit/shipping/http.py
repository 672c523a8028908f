"""Batches as HTTP requests: JSON lines, OTLP logs, or records for a REST proxy of Kafka."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from gateway.audit.shipping.messages import Message
from gateway.audit.shipping.receiver import SECONDS, NotTaken

_TOO_MUCH = (400, 413, 422)  # what a receiver says of a batch, and not of who asks or of itself
_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a batch is written, and how the answer of a receiver that said yes is checked."""

    headers: Mapping[str, str]
    encode: Callable[[Sequence[Message]], bytes]
    check: Callable[[bytes, int], None]  # raises NotTaken


class HttpReceiver:
    """Posts each batch to one address; any answer of 2xx that passes the check is a yes."""

    def __init__(
        self, url: str, encoding: Encoding, credential: Mapping[str, str], tls: ssl.SSLContext
    ) -> None:
        self._url = url
        self._encoding = encoding
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=1),
            headers={**encoding.headers, **credential, "accept-encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        )

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once the receiver has said that it has them all. Raises NotTaken."""
        body = self._encoding.encode(messages)
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False) as answer:
                said = b""
                async for chunk in answer.content.iter_any():
                    said += chunk
                    if len(said) > _ANSWER_BYTES:
                        raise NotTaken(f"its answer is over {_ANSWER_BYTES} bytes")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise NotTaken(str(error) or f"no answer within {SECONDS:.0f} s") from error
        if not 200 <= answer.status < 300:
            raise NotTaken(f"it answered {answer.status}", too_much=answer.status in _TOO_MUCH)
        self._encoding.check(said, len(messages))

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()


def _lines(messages: Sequence[Message]) -> bytes:
    return b"".join(message.body + b"\n" for message in messages)


JSON_LINES = Encoding({"content-type": "application/x-ndjson"}, _lines, lambda _answer, _count: None)
