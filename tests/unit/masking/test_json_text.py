"""A JSON text that is masked is a JSON text still, with nothing of a finding left in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking.json_text import is_json, splice_json
from gateway.masking.vault import Where
from gateway.words import Finding

SCALARS = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
).filter(lambda value: isinstance(value, (dict, list)))


def finding(start: int, end: int) -> Finding:
    return Finding("X", "pii", 1.0, "", start, end)


def found(text: str, *values: str) -> list[Finding]:
    return [finding(at, at + len(v)) for v in values for at in range(len(text)) if text.startswith(v, at)]


def masked(text: str, findings: list[Finding]) -> str:
    names: dict[str, str] = {}

    def placeholder(one: Finding, where: Where) -> str:
        name = names.setdefault(text[one.start : one.end], f"<X_{len(names)}>")
        return f"<KEY_{name}>" if where == "key" else name

    return splice_json(text, findings, placeholder)


@given(
    document=DOCUMENTS,
    indent=st.sampled_from([None, 2, 14]),
    ascii_only=st.booleans(),
    data=st.data(),
)
def test_json_stays_json_wherever_findings_are(
    document: Any, indent: int | None, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    # where the text may be cut: an escape is never found in half
    places = [at for at in range(len(text) + 1) if "\\" not in text[max(0, at - 11) : at]]
    cuts = data.draw(
        st.lists(st.tuples(st.sampled_from(places), st.sampled_from(places)).map(sorted), max_size=4)
    )
    tokens = [(a, b) for a, b in cuts if any(char.isalnum() for char in text[a:b])]
    result = masked(text, [finding(a, b) for a, b in tokens])
    assert is_json(result)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('{"card": 4111111111111111}', "4111111111111111", {"card": "<X_0>"}),
        ('{"card":\n                   4111111111111111\n}', "4111111111111111", {"card": "<X_0>"}),
        ("[-4155552671, 1]", "4155552671", ["-<X_0>", 1]),
        ('{"at": 52.520008123}', "520008123", {"at": "52.<X_0>"}),
        ('{"n": 4155552671e0}', "4155552671", {"n": "<X_0>e0"}),
        ('{"a@b.org": "a@b.org"}', "a@b.org", {"<KEY_<X_0>>": "<X_0>"}),
        ('{"a@b.org" : {"c@d.org":1}}', "@", {"a<KEY_<X_0>>b.org": {"c<KEY_<X_0>>d.org": 1}}),
        ('{"a": "x 12", "b": "34 y"}', '12", "b": "34', {"a": "x <X_0>", "<KEY_<X_1>>": "<X_2> y"}),
        ('{"a": true}', "true", {"a": "<X_0>"}),
        ('{"say": "\\"a@b.org\\""}', "a@b.org", {"say": '"<X_0>"'}),
    ],
)
def test_what_takes_a_finding_s_place_is_json_there(text: str, value: str, expected: Any) -> None:
    assert json.loads(masked(text, found(text, value))) == expected


@pytest.mark.parametrize(
    "text", ["4111111111111111", "card: 4111111111111111", '{"card": 4111111111111111', "[1] x"]
)
def test_a_text_that_is_not_json_is_masked_as_text(text: str) -> None:
    assert masked(text, found(text, "4111111111111111")) == text.replace("4111111111111111", "<X_0>")


def test_a_finding_of_brackets_alone_is_masked_all_the_same() -> None:
    assert masked('{"a": [{}]}', found('{"a": [{}]}', "[{}]")) == '{"a": <X_0>}'
