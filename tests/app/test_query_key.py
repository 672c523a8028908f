"""A key in the query identifies an agent like one in a header, and goes nowhere else."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.application import Opened
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN, WIRES


async def test_a_key_in_the_query_lets_in_and_goes_no_further(
    opened: Opened, spoken: Spoken, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wire = WIRES["gemini.generate"]
    body = wire.prompt("Go on.", False)
    with caplog.at_level(logging.DEBUG):
        async with opened(providers=BUILT_IN) as running:
            spoken.say(wire, "Done.", [], "STOP", stream=False)
            asked = f"/{wire.path}?$alt=json&key={running.key}"
            answer = await running.http.post(asked, json=body)
            assert answer.status_code == 200, answer.text
            assert spoken.requests[-1].query == "%24alt=json"
            both = {"authorization": f"Bearer {running.key}x"}
            refused = await running.http.post(asked, json=body, headers=both)
            assert refused.status_code == 401
            assert (await running.http.post(f"/{wire.path}?key=rg_a_b", json=body)).status_code == 401
            assert running.key not in answer.text + refused.text + str(answer.headers)
            key = running.key
    told = [vars(record) for record in caplog.records if record.name.startswith("regate")]
    assert told
    assert key not in str(told)
    assert holding(key, tmp_path) == []
    assert holding("", tmp_path / "audit")


def holding(text: str, folder: Path) -> list[Path]:
    """The files in a folder that hold a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]
