"""The program of the embedded engine, asked through its pipes as the gateway asks it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.engine import worker
from gateway.processes import encode_message, read_message, run

MODULE = 'package regate\n\ndecision := {"action": "deny"} if input.model == data.settings.model\n'
FAILING = "package regate\n\ndecision := 1 / input.zero\n"


def said(
    *inputs: object,
    module: str = MODULE,
    data: object = None,
    tables: object = None,
    refused: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Return what the program answers to the policy and to each input, in its own process."""
    head = {"modules": ["regate/main.rego"], "refused": refused}
    documents = [json.dumps(each or {}).encode() for each in (data, tables)]
    policy = [json.dumps(head).encode(), module.encode(), *documents]
    frames = [*policy, *(json.dumps(each).encode() for each in inputs)]
    ended = run(
        Path(sys.executable), "-P", Path(worker.__file__), stdin=b"".join(map(encode_message, frames))
    )
    assert ended.returncode == 0, ended.stderr
    stream = io.BytesIO(ended.stdout)
    return [json.loads(answer) for answer in iter(lambda: read_message(stream), None)]


def test_each_input_is_answered_in_its_order() -> None:
    data = {"settings": {"model": "m"}}
    deny = {"result": {"action": "deny"}}
    assert said({"model": "m"}, {"model": "n"}, {"model": "m"}, data=data) == [{}, deny, {}, deny]


def test_tables_stand_beside_the_data() -> None:
    module = "package regate\n\ndecision := data.tables.users[input.user]\n"
    data, tables = {"settings": {}}, {"tables": {"users": {"dana": {"team": "red"}}}}
    assert said({"user": "dana"}, {"user": "eve"}, module=module, data=data, tables=tables) == [
        {},
        {"result": {"team": "red"}},
        {},
    ]


def test_a_failed_input_says_where_and_the_next_is_answered() -> None:
    loaded, failed, answered = said({"zero": 0}, {"zero": 1}, module=FAILING)
    assert (loaded, answered) == ({}, {"result": 1})
    assert "regate/main.rego:3" in failed["error"]
    assert "backtrace" not in failed["error"]


def test_a_module_that_cannot_be_parsed_is_named_with_its_line() -> None:
    (told, *_) = said(module="package regate\n\ndecision := {\n")
    assert "regate/main.rego:" in told["error"]


@pytest.mark.parametrize("call", ['http.send({"method": "get"})', 'http["send"]({"method": "get"})'])
def test_a_refused_function_is_named_however_it_is_spelled(call: str) -> None:
    module = f"package regate\n\ndecision := {call}\n"
    (told, *_) = said(module=module, refused=("http.send",))
    assert told["error"].startswith("--> regate/main.rego:3:")
    assert told["error"].endswith("undefined function http.send")


def test_a_parent_that_goes_before_the_policy_came_is_no_failure() -> None:
    ended = run(Path(sys.executable), "-P", Path(worker.__file__), stdin=b"")
    assert (ended.returncode, ended.stdout) == (0, b"")
