"""A fake provider in a process of its own: answers as the model's name says, keeps what it received.

`python -m tests.support.provider` prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from tests.support.provider_replies import Drop, Reply, Request, Wait, reply_to

_HEAD_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.02
_CONTROL = "/__control/requests"


@dataclass(slots=True)
class Received:
    """One request as it came, and how it went on: open, answered, dropped (by us) or left (by the client)."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    ending: str = "open"


@dataclass(slots=True)
class Provider:
    """Serves connections; `received` is everything but the control requests."""

    received: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection can take another request."""
        if request.target == _CONTROL:
            return await self._control(request, writer)
        self.received.append(request)
        asked = Request(request.method, request.target, dict(request.headers), request.body)
        reply = reply_to(asked)
        if request.method == "HEAD":
            reply = Reply(reply.status, {**reply.headers, "content-length": "99"}, [])
        answering = asyncio.create_task(_write(reply, writer))
        leaving = asyncio.create_task(_left(reader))
        await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            request.ending = "left"
            return False
        leaving.cancel()
        try:
            request.ending = "answered" if answering.result() else "dropped"
        except ConnectionError:
            request.ending = "left"
        return request.ending == "answered"

    async def _control(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        if request.method == "DELETE":
            self.received.clear()
        kept = [{**asdict(one), "body": base64.b64encode(one.body).decode()} for one in self.received]
        body = json.dumps(kept).encode()
        return await _write(Reply(200, {"content-type": "application/json"}, [body]), writer)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    """The next request of the connection, its body de-chunked; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Received(method, target, headers, await _read_body(dict(headers), reader))


async def _read_body(headers: Mapping[str, str], reader: asyncio.StreamReader) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    chunks = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(chunks)


async def _left(reader: asyncio.StreamReader) -> None:
    """Return once the client has closed the connection. Reads nothing: the next request may come."""
    while not (reader.at_eof() or reader.exception()):  # noqa: ASYNC110 - a stream has no event for it
        await asyncio.sleep(_LOOK_SECONDS)


async def _write(reply: Reply, writer: asyncio.StreamWriter) -> bool:
    """Whether the reply was sent to its end; a streamed one is chunked."""
    steps = reply.steps if reply.streamed else list(reply.steps)
    pending = _head(reply, steps)
    for step in steps:
        match step:
            case Wait():
                await asyncio.sleep(step.seconds)
            case Drop():
                await writer.drain()
                return False
            case _:
                writer.write(pending + (b"%x\r\n%b\r\n" % (len(step), step) if reply.streamed else step))
                pending = b""
                await writer.drain()
    writer.write(pending + (b"0\r\n\r\n" if reply.streamed else b""))
    await writer.drain()
    return True


def _head(reply: Reply, steps: Iterable[bytes | Wait | Drop]) -> bytes:
    headers = dict(reply.headers)
    if reply.streamed:
        headers["transfer-encoding"] = "chunked"
    else:
        headers.setdefault("content-length", str(sum(len(step) for step in steps if isinstance(step, bytes))))
    lines = [f"HTTP/1.1 {reply.status} -"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _main() -> None:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)  # the parent's end of this pipe closes when it dies
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main())
