"""A text in pieces stays JSON where it is JSON, and in every chunking it is masked alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking.json_pieces import JsonPieces, splice_pieces
from gateway.masking.json_text import splice_json
from gateway.masking.vault import Where
from gateway.words import Finding

VALUES = ("jane@acme.org", "4111111111111111", "6444427995")


def masked(text: str, cuts: Sequence[int] = ()) -> str:
    """Mask the values of the text, which comes in pieces that are cut there; no value is cut."""
    spans = sorted((at, at + len(v)) for v in VALUES for at in range(len(text)) if text.startswith(v, at))
    marks = {0, len(text), *(end for span in spans for end in span)}
    marks |= {cut for cut in cuts if cut <= len(text) and not any(a < cut < b for a, b in spans)}
    pieces, out, at = JsonPieces(), "", 0
    for end in sorted(marks - {0}):
        if (at, end) in spans:
            out += pieces.masked(text[at:end], lambda _, where: f"<{where.upper()}>")
        else:
            out += pieces.plain(text[at:end])
        at = end
    return out + pieces.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"total": 6444427995}', '{"total": "<NUMBER>"}'),
        ('{"total":6444427995,"n":1}', '{"total":"<NUMBER>","n":1}'),
        ("[6444427995, 1, 4111111111111111]", '["<NUMBER>", 1, "<NUMBER>"]'),
        ('{"to": "jane@acme.org"}', '{"to": "<STRING>"}'),
        ('{"jane@acme.org": {"n": -6444427995.5}}', '{"<KEY>": {"n": "-<NUMBER>.5"}}'),
        ('```json\n{"n": 6444427995}\n```\nand 6444427995', '```json\n{"n": "<NUMBER>"}\n```\nand <TEXT>'),
        ("[INFO] card 4111111111111111, n", "[INFO] card <TEXT>, n"),
        ("[6444427995 6444427995]", '["<NUMBER>" <TEXT>]'),
        ("total: 6444427995", "total: <TEXT>"),
        ("{6444427995}", "{<TEXT>}"),
        ('{"a": "\\"jane@acme.org\\\\"}', '{"a": "\\"<STRING>\\\\"}'),
        ("[6444427995", "[<NUMBER>"),
    ],
)
def test_a_masked_value_stands_as_its_place_asks(text: str, expected: str) -> None:
    assert masked(text) == expected


NUMBERS = (int(VALUES[1]), int(VALUES[2]), 1.5, True, None)
SCALARS = (
    st.sampled_from([*VALUES, f"mail {VALUES[0]}, now"]) | st.sampled_from(NUMBERS) | st.text(max_size=6)
)
SIGNS = [*'{}[]:, "\\\n', *VALUES, "x", "-", "1", "```json\n"]
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["n", "jane@acme.org", 'a"b', "c\\"]), inner, max_size=3)
    ),
).filter(lambda value: isinstance(value, (dict, list)))


@given(document=DOCUMENTS, indent=st.sampled_from([None, 2]), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_json_stays_json_and_a_stream_equals_a_whole(
    document: Any, indent: int | None, cuts: list[int]
) -> None:
    text = json.dumps(document, indent=indent)
    findings = [
        Finding("X", "pii", 1.0, "", at, at + len(value))
        for value in VALUES
        for at in range(len(text))
        if text.startswith(value, at)
    ]

    def placeholder(_: Finding, where: Where) -> str:
        return f"<{where.upper()}>"

    assert masked(text, cuts) == splice_json(text, findings, placeholder)
    assert splice_pieces(text, findings, placeholder) == splice_json(text, findings, placeholder)
    json.loads(masked(text, cuts))


@given(
    text=st.lists(st.sampled_from([*'{}[]:, "\\\n', *VALUES, "x", "-", "1", "```json\n"]), max_size=20).map(
        "".join
    ),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_every_chunking_of_any_text_gives_the_same(text: str, cuts: list[int]) -> None:
    out = masked(text, cuts)
    assert out == masked(text)
    assert not any(value in out for value in VALUES)
