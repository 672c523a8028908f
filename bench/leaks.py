"""`python -m bench.leaks`: every kind of value, cut at every place, through every dialect.

A provider says again what it was told, or a value of its own, in the pieces that a case asks for. Counted are
the raw values that got through, the answers that differ from what they should be, and the streams in which a
piece of a placeholder went out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.wires import WIRES, Piece, Wire
from gateway.config import Config, load_config
from gateway.http.app import create_app, open_worker
from gateway.identity import create_key

_ROOT = Path(__file__).parent.parent
_PAGE = _ROOT / "docs/reference/leaks.md"
_TABLE = "| dialect |"
_SIZES = (1, 2, 3, 7)  # characters of a piece, where a text is not cut in two
_TRIES = 5
_BYTES = (1, 7, 64)  # that arrive together, where the events are not
# What everyday prompts hold. In two pieces where a scanner would take it for real.
VALUES = {
    "EMAIL_ADDRESS": "jane.roe@acme.org",
    "PHONE_NUMBER": "+1 415-555-2671",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "US_SSN": "536-22-8743",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "CRYPTO": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "IP_ADDRESS": "81.2.69.142",
    "API_KEY": "ghp_" + "1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZa",
    "AWS_KEY": "AKIA" + "Q3EGSAF7RMYV5XPL",
    "CONNECTION_STRING": "postgres://app:" + "s3cr3t-Orchid-9@db.acme.org/main",
}
_CONFIG = """
listen: 127.0.0.1:0
providers:
{providers}
policy: {{engine: embedded, path: {policies}, enforce: {enforce}}}
"""


@dataclass(slots=True)
class Provider:
    """Answers each request with what the case at hand wants said, and keeps what it was sent."""

    sent: bytes = b""
    answer: Callable[[bytes], tuple[str, list[bytes]]] = lambda _: ("", [])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.sent = await reader.readexactly(length)
                media_type, pieces = self.answer(self.sent)
                size = sum(map(len, pieces))
                line = f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {size}\r\n\r\n"
                writer.write(line.encode())
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@dataclass(slots=True)
class Tally:
    """What was counted for one dialect and form."""

    tries: int = 0
    leaks: int = 0
    unlike: int = 0
    partial: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, what: str, *, leaked: bool, unlike: bool, partial: bool) -> None:
        self.tries += 1
        self.leaks += leaked
        self.unlike += unlike
        self.partial += partial
        if leaked or unlike or partial:
            self.examples.append(what)


class Suite:
    """Sends cases through a gateway of the shipped policy, in this process."""

    def __init__(self, http: httpx.AsyncClient, key: str, provider: Provider) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {key}"}
        self._provider = provider
        self._body = b""  # of the last answer

    async def told_again(self, wire: Wire, entity: str, value: str, tally: dict[str, Tally]) -> None:
        """Let the provider say again what it was told: nothing raw reaches it, and all comes back."""
        text = f"Please note {value} for later"
        heard = await self._ask(wire, text, lambda told: told)
        tally["whole"].note(f"{entity} whole", **self._judged(heard, text, value))
        told = wire.told(json.loads(self._provider.sent))
        for name, cut in cuts(told, told.find("<"), told.find(">"), wire.channels):
            heard = await self._ask(wire, text, lambda _, cut=cut: cut)
            tally["streamed"].note(f"{entity} {name}", **self._judged(heard, text, value))

    async def said_anew(self, wire: Wire, entity: str, value: str, tally: dict[str, Tally]) -> None:
        """Let the model say a value of its own: cut in pieces it is masked as it is when whole."""
        text = f"Please note {value} for later"
        (expected,) = (await self._ask(wire, "Go on.", lambda _: text))[-1]
        if expected == text:  # policy lets models write it
            return
        tally["whole"].note(f"{entity} whole", leaked=value in expected, unlike=False, partial=False)
        at = text.find(value)
        for name, cut in cuts(text, at, at + len(value), wire.channels):
            heard = await self._ask(wire, "Go on.", lambda _, cut=cut: cut)
            leaked = value in wire.shown(self._body)
            unlike = any(one != expected for one in heard[-1])
            tally["streamed"].note(f"{entity} {name}", leaked=leaked, unlike=unlike, partial=False)

    async def _ask(self, wire: Wire, text: str, say: Callable[[str], str | Cut]) -> list[tuple[str, ...]]:
        """Return what a client has heard, by channel, after each event of the answer."""
        streamed = not isinstance(say(""), str)
        body = wire.request(text, streamed)

        def answer(sent: bytes) -> tuple[str, list[bytes]]:
            said = say(wire.told(json.loads(sent)))
            if isinstance(said, str):
                return "application/json", [json.dumps(wire.whole(said)).encode()]
            events = wire.events(said.pieces)
            return wire.media_type, said.arriving(events)

        self._provider.answer = answer
        path = wire.streamed_path if streamed else wire.path
        for _ in range(_TRIES):  # a machine that is busy elsewhere may stall the database
            response = await self._http.post(f"/{wire.family}{path}", json=body, headers=self._headers)
            if response.status_code != 503:
                break
        self._body = response.content
        if response.status_code != 200:
            raise SystemExit(
                f"{wire.dialect}: expected 200, got {response.status_code} {response.text[:300]}"
            )
        return list(wire.heard(response.content)) if streamed else [(wire.said(response.json()),)]

    def _judged(self, heard: list[tuple[str, ...]], text: str, value: str) -> dict[str, bool]:
        return {
            "leaked": value in self._provider.sent.decode(),
            "unlike": any(one != text for one in heard[-1]),
            "partial": any("<" in one for said in heard for one in said),
        }


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in pieces, and how many bytes of its events arrive together; 0: an event at a time."""

    pieces: Sequence[Piece]
    together: int = 0

    def arriving(self, events: Sequence[bytes]) -> list[bytes]:
        if not self.together:
            return list(events)
        whole = b"".join(events)
        return [whole[at : at + self.together] for at in range(0, len(whole), self.together)]


def cuts(text: str, start: int, end: int, channels: int) -> Iterator[tuple[str, Cut]]:
    """Yield a text in two pieces at every place of a value, in small ones, and by several channels."""
    for at in range(max(start, 1), min(end + 2, len(text))):
        yield f"cut at {at}", Cut([(0, text[:at]), (0, text[at:])])
    for size in _SIZES:
        yield f"by {size}", Cut([(0, one) for one in _pieces(text, size)])
    for size in _BYTES:
        yield f"by 3, {size} bytes together", Cut([(0, one) for one in _pieces(text, 3)], size)
    if channels > 1:
        for size in (*_SIZES, len(text)):
            turns = [(channel, one) for one in _pieces(text, size) for channel in range(channels)]
            yield f"by {size}, in turns", Cut(turns)


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


async def measure(
    values: dict[str, str], wires: Sequence[Wire] = WIRES, *, enforce: bool = True
) -> dict[tuple[str, str, str], Tally]:
    """Return the tallies by dialect, form (whole, streamed) and whose the value is."""
    tallies: dict[tuple[str, str, str], Tally] = {}
    async with _suite(enforce) as suite:
        for wire in wires:
            for whose, run in (("the prompt's", suite.told_again), ("the model's", suite.said_anew)):
                tally = {
                    form: tallies.setdefault((wire.dialect, form, whose), Tally())
                    for form in ("whole", "streamed")
                }
                for entity, value in values.items():
                    await run(wire, entity, value, tally)
    return tallies


@asynccontextmanager
async def _suite(enforce: bool) -> AsyncIterator[Suite]:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="regate-leaks-") as folder:
        config = _configured(Path(folder), port, enforce)
        async with open_worker(config) as worker:
            _, key = create_key(worker.keys, agent="leaks", owner="leaks", now=time.time())
            transport = httpx.ASGITransport(create_app(config, worker))
            async with httpx.AsyncClient(transport=transport, base_url="http://regate", timeout=60) as http:
                yield Suite(http, key, provider)
    server.close()


def _configured(folder: Path, port: int, enforce: bool) -> Config:
    lines = (
        f'  {family}: {{family: {family}, base_url: "http://127.0.0.1:{port}"}}'
        for family in sorted({wire.family for wire in WIRES})
    )
    policies = _ROOT / "policies/rego"
    file = folder / "regate.yaml"
    file.write_text(_CONFIG.format(providers="\n".join(lines), policies=policies, enforce=enforce))
    return load_config(file)


def table(tallies: dict[tuple[str, str, str], Tally]) -> str:
    """Return the table of `docs/reference/leaks.md`."""
    lines = [
        f"{_TABLE} form | whose values | tried | leaks | fidelity | partial emission |",
        "|---|---|---|---|---|---|---|",
    ]
    for (dialect, form, whose), one in tallies.items():
        alike = (one.tries - one.unlike) / one.tries if one.tries else 1
        lines.append(
            f"| `{dialect}` | {form} | {whose} | {one.tries} | {one.leaks} | {alike:.4g} | {one.partial} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table; with `--write` renew the page. Fail when anything leaked, differed or broke off."""
    tallies = asyncio.run(measure(VALUES))
    print(table(tallies))
    wrong = [f"{'/'.join(name)}: {what}" for name, one in tallies.items() for what in one.examples]
    print("\n".join(wrong[:40]), file=sys.stderr)
    if "--write" in sys.argv[1:]:
        head = _PAGE.read_text().partition(_TABLE)[0]
        _PAGE.write_text(head + table(tallies))
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    os.environ.setdefault("REGATE_LOG", "error")
    main()
