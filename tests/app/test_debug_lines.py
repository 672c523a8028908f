"""With debug on, the log tells each step of an exchange, and no word of what was said in it."""

from __future__ import annotations

import json
import logging

import pytest

from gateway.observe.logs import JsonFormatter, configure
from tests.support.application import Opened
from tests.support.values import EMAIL

WORD = "marmalade"


async def test_debug_lines_tell_the_steps_without_content(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "regate")
    async with opened() as running:
        answer = await running.ask(f"{WORD}: write to {EMAIL}")
    assert answer.status_code == 200, answer.text

    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert EMAIL not in "\n".join(lines)
    assert WORD not in "\n".join(lines)
    assert running.key not in "\n".join(lines)
    steps = [line for line in map(json.loads, lines) if line["logger"] == "regate.exchange"]
    assert {line["exchange_id"] for line in steps} == {answer.headers["x-regate-exchange-id"]}
    told = {line["message"]: line for line in steps}
    assert list(told) == ["received", "inspected", "decided", "forwarded", "answered"]
    assert told["received"]["parts"] > 0
    assert told["received"]["characters"] > len(EMAIL)
    assert told["inspected"]["entities"] == {"EMAIL_ADDRESS": 1}
    assert told["decided"]["action"] == "mask"
    assert told["decided"]["rules"]
    assert (told["forwarded"]["provider"], told["answered"]["status"]) == ("demo", 200)
    assert told["forwarded"]["bytes"] > 0
    moments = [line["ms"] for line in steps]
    assert moments == sorted(moments)


async def test_without_debug_there_are_no_steps(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "regate")
    async with opened() as running:
        await running.ask("hello")
    assert [record for record in caplog.records if record.name == "regate.exchange"] == []


def test_libraries_do_not_log_at_debug() -> None:
    """They may quote what they work on."""
    before = {name: logging.getLogger(name).level for name in ("", "regate", "gateway")}
    handlers = logging.getLogger().handlers[:]
    try:
        configure("debug")
        assert logging.getLogger("regate.exchange").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("aiohttp").isEnabledFor(logging.DEBUG)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger().handlers[:] = handlers
