"""Nothing leaks and every answer arrives whole, however a stream is cut. The suite that says so can fail."""

from __future__ import annotations

from bench.leaks import Tally, measure, table
from bench.wires import WIRES


async def test_no_cut_of_any_stream_leaks_or_changes_a_value() -> None:
    tallies = await measure({"US_SSN": "536-22-8743"})
    assert {name: one.examples for name, one in tallies.items() if one.examples} == {}
    assert {dialect for dialect, _, _ in tallies} == {wire.dialect for wire in WIRES}
    assert min(one.tries for (_, form, _), one in tallies.items() if form == "streamed") > 15


async def test_a_gateway_that_masks_nothing_is_found_out() -> None:
    tallies = await measure({"US_SSN": "536-22-8743"}, WIRES[:1], enforce=False)
    told = [tallies["openai.chat", form, "the prompt's"] for form in ("whole", "streamed")]
    assert all(one.leaks == one.tries > 0 for one in told)


def test_the_table_says_what_went_wrong() -> None:
    tally = Tally()
    tally.note("fine", leaked=False, unlike=False, partial=False)
    tally.note("cut at 3", leaked=True, unlike=True, partial=True)
    assert tally.examples == ["cut at 3"]
    assert "| 2 | 1 | 0.5 | 1 |" in table({("openai.chat", "whole", "the prompt's"): tally})
