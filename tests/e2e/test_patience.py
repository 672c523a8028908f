"""One exchange does not make the others wait: the gateway answers while it works on something large."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.asking import body_of, post
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.processes import processor_seconds
from tests.support.waiting import PATIENCE_SECONDS

STALL_SECONDS = 5.0  # a freeze, not a speed: what is measured is tens of milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "plain words of a long report, " * 30_000,
        "a.a." * 5_000,
        "a.a.a@" * 3_000,
        "QUJD" * 5_000 + "@",
        "call 415 555 26 71 or 12 34 56 78, " * 500,
    ],
    ids=["long", "dots", "ats", "base64", "digits"],
)
def test_a_large_prompt_does_not_stall_the_others(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, many: ThreadPoolExecutor, text: str
) -> None:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        working = many.submit(post, client, governed, keys.agents["default"], body_of("openai", "echo", text))
        longest = longest_stall(governed, lambda: working.done())
        answer = working.result(PATIENCE_SECONDS)

    assert answer.status_code in (200, 403, 503), answer.text  # held in bulk, or out of time
    assert longest < STALL_SECONDS


@pytest.mark.parametrize("size", [4, 20_000])
def test_a_long_stream_does_not_stall_the_others(
    patient: GatewayProcess,
    patient_keys: Keyring,
    provider: FakeProvider,
    many: ThreadPoolExecutor,
    size: int,
) -> None:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        body = body_of("openai", f"longest,chunk={size}", "go on", stream=True)
        working = many.submit(post, client, patient, patient_keys.agents["default"], body)
        longest = longest_stall(patient, lambda: working.done())
        answer = working.result(PATIENCE_SECONDS)

    assert answer.status_code == 200
    assert longest < STALL_SECONDS


def longest_stall(gateway: GatewayProcess, done: Callable[[], bool]) -> float:
    """The slowest answer of `/healthz` until `done` says so, in seconds.

    No more is counted than the processor time that the gateway and its children used meanwhile: while other
    processes have the processor, the gateway does not stall.
    """
    longest = 0.0
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        while not done():
            begun, used = time.perf_counter(), processor_seconds(gateway.pid)
            client.get(f"{gateway.url}/healthz")
            worked = processor_seconds(gateway.pid) - used
            longest = max(longest, min(time.perf_counter() - begun, worked))
            time.sleep(0.01)
    return longest
