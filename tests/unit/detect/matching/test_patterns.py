"""Patterns run with a deadline."""

import asyncio

import pytest
import regex

from gateway.detect.entities import columns
from gateway.detect.entities.phrases import Phrases
from gateway.detect.entities.secrets import ASSIGNMENTS, COMMANDS, FORMATS, OPEN, OTHER
from gateway.detect.matching.patterns import Deadline, InspectionLate, in_time, is_in_a_uuid, matches


def test_a_deadline_that_has_passed_is_an_error() -> None:
    assert 9 < Deadline(10).left() <= 10
    with pytest.raises(InspectionLate):
        Deadline(0).left()
    with pytest.raises(InspectionLate):
        list(matches(regex.compile("(a|aa)+$"), "a" * 60 + "b", Deadline(0.01)))


async def test_what_is_awaited_too_long_is_late() -> None:
    with pytest.raises(InspectionLate, match=r"within 0\.01 seconds"):
        async with in_time(0.01):
            await asyncio.sleep(5)
    with pytest.raises(TimeoutError):
        async with in_time(5):
            raise TimeoutError


def test_groups_of_a_uuid_are_told() -> None:
    text = "id 123e4567-e89b-12d3-a456-426614174000."
    assert is_in_a_uuid(text, 20, 26)
    assert not is_in_a_uuid(text, 0, 2)


def test_every_pattern_that_is_compiled_late_compiles() -> None:
    late_ones = [one.pattern for one in (*FORMATS, *ASSIGNMENTS, *COMMANDS, *OTHER)]
    late_ones += [*OPEN, *columns.PATTERNS, *Phrases([]).patterns]
    for pattern in late_ones:
        regex.compile(pattern.pattern, pattern.flags)
