"""What is computed on an attacker's text takes time in proportion to its length, or is refused when late."""

from __future__ import annotations

import asyncio
import string
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway import detect
from gateway.config import Detect, Limits
from gateway.config.server_key import ServerKey
from gateway.contract.decision import Mask
from gateway.detect.matching import joins
from gateway.detect.service import inspection
from gateway.dialects import Malformed, read_prompt
from gateway.errors import InspectionFailed
from gateway.exchange import inspect as inspecting
from gateway.exchange import receive
from gateway.exchange.inspect import Inspector, _with_masked_pointers
from gateway.exchange.mask import mask_body
from gateway.exchange.receive import Receiver
from gateway.masking import Vault, with_placeholders
from gateway.sessions.session import Sessions
from gateway.words import Finding, InspectedPart, Part
from tests.unit.exchange.conftest import NewExchange, new_exchange

__all__ = ["new_exchange"]
KEY = ServerKey(b"s" * 32)
VALUE = "jane.roe@acme.org"
UNITS = [
    *string.punctuation,
    *"\n\t\x1b\u200b\u00e9\u4e2d\u0430",
    *(
        "\\n",
        "\\u0041",
        '\\"',
        "%2541",
        "&amp;",
        "&#64;",
        "=41",
        '{"',
        '["',
        '{"a":',
        '"\\n{',
        "<b>",
        "<!--",
        "<A_",
    ),
    *("a@", "1 ", "AA00 ", "-----BEGIN", "-----BEGIN PRIVATE KEY-----\n", "password=", "server=a;", "a:b:"),
    *("A" * 76 + "\n", "aGVsbG8gd29ybGQgZm9v ", "Private-Lines: 1\n", '"kty":"RSA"', "deadbeef", "H4sIAAAA"),
    *(
        "password,",
        "token\t",
        "|password|x\n",
        "echo a ",
        "curl -u a:b ",
        "docker login -p ",
        "cookie: sid=a;",
        "<td>a</td>",
    ),
    *(
        "insert into t (password) values (",
        "<th>password</th>",
        "密码",
        "name: token, ",
        "--password ",
        "otp ",
    ),
    *("AKIAQX4BLZ7PTWUVR2KD ", "a.a@a.", f"{VALUE} ", "**a", "</b", "`", "\\\\\\\\u"),
]
N = 5000  # characters: of eight times as many, what is quadratic takes long already
TIMES = 8
# A linear step takes TIMES as long for TIMES as much, a quadratic one TIMES squared.
# What takes less than MOMENT (seconds) says nothing.
MOST, MOMENT = 2.5 * TIMES, 0.25


@pytest.fixture(scope="module")
def detector() -> detect.Detector:
    return detect.Detector(Detect(), seconds=60)


def took(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def assert_linear(work: Callable[[int], Callable[[], object]], what: str) -> None:
    """Fail when `work` on TIMES as much takes far more than TIMES as long, twice in a row."""
    for _ in range(2):
        few, many = took(work(1)), took(work(TIMES))
        if many < MOMENT or many <= MOST * few:
            return
    pytest.fail(f"{what}: {few:.2f} s, and {many:.2f} s for {TIMES} times as much")


@pytest.mark.parametrize("unit", UNITS)
def test_no_repeated_sign_makes_reading_and_masking_slow(detector: detect.Detector, unit: str) -> None:
    """An attacker repeats whatever some pattern or some parser reads more than once."""

    def work(times: int) -> Callable[[], object]:
        text = (unit * (times * N // len(unit) + 1))[: times * N] + f" {VALUE} "

        def done() -> None:
            vault = Vault(b"k" * 32)
            vault.reserve([text])
            spans = detector.inspect(text)
            detector.open_at(text)
            found = [Finding(s.entity, s.category, s.score, "/x", s.start, s.end) for s in spans]
            at = text.index(VALUE)
            escaped = Finding("EMAIL_ADDRESS", "pii", 1.0, "/x", at, at + len(VALUE))
            with_placeholders(text.replace(VALUE, "jane\\\\@acme.org  "), [escaped], vault)
            with_placeholders(text, found, vault)

        return done

    assert_linear(work, repr(unit))


def _blocks(texts: Sequence[str]) -> dict[str, object]:
    return {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": t} for t in texts]}],
    }


SHAPES: dict[str, Callable[[int], dict[str, object]]] = {
    "blocks": lambda n: _blocks([f"{number} {VALUE}" for number in range(n)]),
    "blocks of a digit": lambda n: _blocks(["1"] * n),
    "blocks of a key": lambda n: _blocks(["-----BEGIN PRIVATE KEY-----\n"] * n),
    "messages": lambda n: {
        "messages": [{"role": "user", "content": f"4111{number:04}"} for number in range(n)]
    },
    "keys": lambda n: {"metadata": {f"{number}{VALUE}": "x" for number in range(n)}},
    "keys in a key": lambda n: {"metadata": {VALUE: {str(number): VALUE for number in range(n)}}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_many_small_parts_cost_what_they_are(detector: detect.Detector, shape: str) -> None:
    """An attacker sends thousands of small parts instead of one large one."""

    def work(times: int) -> Callable[[], object]:
        document = SHAPES[shape](500 * times)

        def done() -> None:
            vault = Vault(b"k" * 32)
            parts = read_prompt("openai.chat", document).parts
            joined = joins.joins(parts)
            across = detector.find([join.part for join in joined])
            whole = joins.spread(parts, detector.find(parts), list(zip(joined, across, strict=True)))
            inspected = [
                InspectedPart(
                    part, "", True, found, with_placeholders(part.text, found, vault) if found else part.text
                )
                for part, found in zip(parts, whole, strict=True)
            ]
            _with_masked_pointers(inspected)
            values = [one for one in inspected if one.part.place == "value"]
            mask_body(document, values, {"EMAIL_ADDRESS": (Mask("EMAIL_ADDRESS"),)}, vault)

        return done

    assert_linear(work, shape)


def test_a_long_key_over_many_values_is_refused() -> None:
    """An attacker puts a key of megabytes over thousands of values, each of which would carry it."""
    with pytest.raises(Malformed, match="8192 characters"):
        read_prompt("openai.chat", {"metadata": {"k" * 100_000: dict.fromkeys(map(str, range(1000)), "v")}})


class Endless:
    """A step that goes on until it is released, so that only a deadline can end the wait for it."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def __call__(self) -> None:
        assert threading.current_thread() is not threading.main_thread(), "the loop would stand still"
        self._over.wait()

    def release(self) -> None:
        """Let it end: the loop of a test waits for its threads when it closes."""
        self._over.set()


@pytest.fixture
async def endless() -> AsyncIterator[Endless]:
    step = Endless()
    yield step
    step.release()


@pytest.fixture
async def late(detector: detect.Detector, endless: Endless) -> AsyncIterator[Inspector]:
    """Give an inspector whose patience a test shortens."""
    patient = detect.DetectionService(detector, 60)
    yield Inspector(patient, detector, KEY)
    await patient.close()


STEPS = ["inspection.joins", "inspection.spread", "inspection._placed", "inspecting.with_placeholders"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("ask", ["prompt", "inspect_envelope", "completion"])
async def test_no_step_beside_the_patterns_escapes_the_deadline(
    late: Inspector,
    new_exchange: NewExchange,
    monkeypatch: pytest.MonkeyPatch,
    endless: Endless,
    step: str,
    ask: str,
) -> None:
    """An attacker finds a text on which joining, placing or masking takes long."""
    if ask == "completion" and step == "inspecting.with_placeholders":
        step = "inspecting.splice_json"
    module, _, name = step.partition(".")
    owner = {"inspection": inspection, "inspecting": inspecting}[module]
    on_loop: list[bool] = []

    def slow(*_: object, **__: object) -> None:
        on_loop.append(threading.current_thread() is threading.main_thread())
        endless()

    exchange = new_exchange()
    exchange.received = replace(exchange.received, session=Sessions(KEY).enter("agent", "s", ""))
    parts = [Part("user", "text", f"/{number}/text", f"{VALUE} is here") for number in range(1200)]
    await late._inspection.find(parts)  # what is known is not waited for: only the step is late
    monkeypatch.setattr(owner, name, slow)
    for late._inspection.seconds in (0.5, 2, 8, 32):  # on a busy machine the steps before it are late as well
        with pytest.raises(InspectionFailed, match=r"within|in time"):
            await getattr(late, ask)(exchange, parts)
        if on_loop:
            break
    endless.release()
    assert on_loop
    assert not any(on_loop)


async def test_a_body_that_takes_long_to_parse_is_refused(
    new_exchange: NewExchange, monkeypatch: pytest.MonkeyPatch, endless: Endless
) -> None:
    """An attacker finds a body that its parser is slow on."""
    monkeypatch.setattr(receive, "open_body", lambda *_, **__: endless())
    read = Receiver(cast(Any, None), Limits(inspect_seconds=0.2), *[cast(Any, None)] * 3)
    exchange = new_exchange(body=b'{"messages": []}' + b" " * 100_000)
    with pytest.raises(InspectionFailed, match="within"):
        await read.read(exchange)
    endless.release()


async def test_a_large_hostile_prompt_is_refused_soon_after_the_deadline(
    detector: detect.Detector, new_exchange: NewExchange
) -> None:
    """An attacker sends 3 MB on which every pattern is slow; the loop serves others meanwhile."""
    asking = detect.DetectionService(detector, 1)
    exchange = new_exchange()
    exchange.received = replace(exchange.received, session=Sessions(KEY).enter("agent", "s", ""))
    text = ("1.1.1.1 " * 400_000)[: 3 * 1024 * 1024]
    began = time.process_time()
    asked = asyncio.create_task(
        Inspector(asking, detector, KEY).prompt(exchange, [Part("user", "text", "/x", text)])
    )
    turns = 0
    while not asked.done():
        await asyncio.sleep(0.01)
        turns += 1
    with pytest.raises(InspectionFailed):
        await asked
    assert time.process_time() - began < 8
    assert turns > 10
    await asking.close()
