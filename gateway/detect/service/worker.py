"""The process that inspects large texts: a Detector asked through pipes.

Messages hold MessagePack. The first one in is the settings, answered by an empty message; each one after it
is a list of pairs, JSON key and text, answered by the matches in each, or by None when a text could not be
inspected. No text ever comes back.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import BinaryIO, Literal

import msgspec

from gateway.config import Detect
from gateway.detect.detector import Detector
from gateway.detect.entities.ner import NameModel
from gateway.errors import InspectionFailed
from gateway.processes import read_message, write_message
from gateway.words import Match

Reads = Literal["values", "names"]  # a Detector's entities, or the language model's


class WorkerStart(msgspec.Struct, frozen=True):
    """The first message: what is looked for, and how long one text may take."""

    settings: Detect
    seconds: float
    reads: Reads


Texts = list[tuple[bytes, bytes]]
Found = list[tuple[Match, ...]] | None
_Reader = Callable[[list[tuple[str, str]]], list[tuple[Match, ...]]]


def encoded(text: str) -> bytes:
    """Text on its way through the pipe; JSON may hold half a surrogate pair."""
    return text.encode("utf-8", "surrogatepass")


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the parent goes."""
    first = read_message(requests)
    if first is None:
        return
    start = msgspec.msgpack.decode(first, type=WorkerStart)
    read = _reader(start)
    gc.collect()
    gc.freeze()  # as in the gateway: what was loaded stays
    write_message(answers, b"")
    texts = msgspec.msgpack.Decoder(Texts)
    while (message := read_message(requests)) is not None:
        write_message(answers, msgspec.msgpack.encode(_found(read, texts.decode(message))))


def _reader(start: WorkerStart) -> _Reader:
    if start.reads == "names":
        ner = NameModel()
        return lambda texts: ner.find([text for _, text in texts])
    inspector = Detector(start.settings, seconds=start.seconds)
    return lambda texts: [inspector.inspect(text, key=key) for key, text in texts]


def _found(read: _Reader, texts: Texts) -> Found:
    try:
        return read([(_decoded(key), _decoded(text)) for key, text in texts])
    except InspectionFailed:
        return None


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
