"""Values cut over messages: the model reads them as one, so each half is found, masked and given back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import DetectionService, Detector
from gateway.detect.matching.joins import joins
from gateway.dialects import read_completion, read_prompt
from gateway.words import Finding, Part

KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEpAIBAAKCAQEA7bq5w0Gm3FhXkz6Lw0D9sKc\n" * 12
    + "-----END RSA PRIVATE KEY-----"
)
VALUES = [
    "4111 1111 1111 1111",
    "5500005555555559",
    "AKIAQX4BLZ7PTWUVR2KD",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "DE89 3704 0044 0532 0130 00",
    "536-22-8726",
    KEY,
]
# Of a value that is whole without its last letters, so few may stay: they read as a word.
NO_SECRET = 3


@pytest.fixture(scope="module")
def inspector() -> Detector:
    return Detector(Detect())


async def hidden(inspector: Detector, parts: Sequence[Part]) -> list[str]:
    """Return what is left of each text of a conversation when the findings are cut out of it."""
    inspection = DetectionService(inspector, 60)
    found = await inspection.find(parts)
    await inspection.close()
    kinds = {"text", "system", "tool_result"}
    pairs = zip(parts, found, strict=True)
    return [_without(part.text, findings) for part, findings in pairs if part.kind in kinds]


def _without(text: str, findings: Sequence[Finding]) -> str:
    for finding in reversed(findings):
        text = text[: finding.start] + text[finding.end :]
    return text


def prompt(*messages: dict[str, object]) -> Sequence[Part]:
    return read_prompt("openai.chat", {"model": "m", "messages": list(messages)}).parts


def turns(texts: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield the texts as user messages, each answered by the assistant."""
    for text in texts:
        yield {"role": "user", "content": text}
        yield {"role": "assistant", "content": "Please go on."}


@pytest.mark.parametrize("value", VALUES)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.floats(0.05, 0.95), min_size=1, max_size=3))
@example(cuts=[0.94140625])  # the last letters of a key and its last line
async def test_a_value_cut_over_user_turns_does_not_reach_the_model(
    inspector: Detector, value: str, cuts: list[float]
) -> None:
    """An attacker cuts a value anywhere and sends each piece in a turn of its own."""
    text = f"keep {value} please"
    at = sorted({5 + max(1, min(round(cut * len(value)), len(value) - 1)) for cut in cuts} | {0, len(text)})
    pieces = [text[one:other] for one, other in itertools.pairwise(at)]
    left = await hidden(inspector, prompt(*turns(pieces)))
    shown = "".join(left[::2])
    assert shown.startswith("keep ")
    assert shown.endswith(" please")
    assert len(shown) - len("keep  please") <= NO_SECRET


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the card begins with 4111 1111", "1111 1111 and that is all"),
        ("the key is AKIAQX4BL", "Z7PTWUVR2KD and that is all"),
        ("see postgres://app:s3cr3", "tpw77TWUVR@db and that is all"),
        ("-----BEGIN RSA PRIVATE KEY", KEY.removeprefix("-----BEGIN RSA PRIVATE KEY")),
    ],
)
async def test_a_value_cut_between_a_tool_result_and_a_message_does_not_reach_the_model(
    inspector: Detector, first: str, second: str
) -> None:
    """An attacker lets a tool say one half and the user the other."""
    openai = prompt(
        {"role": "tool", "tool_call_id": "c", "content": first}, {"role": "user", "content": second}
    )
    message = {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": first},
            {"type": "text", "text": second},
        ],
    }
    anthropic = read_prompt("anthropic.messages", {"model": "m", "messages": [message]}).parts
    for parts in (openai, anthropic):
        left = " ".join(await hidden(inspector, parts))
        assert not any(piece in left for piece in ("1111", "AKIAQ", "TWUVR", "MIIEp", "PRIVATE", "s3cr3"))


async def test_a_model_does_not_hand_out_a_value_in_two_blocks(inspector: Detector) -> None:
    """A model answers with a card in two blocks of text, which every client shows as one."""
    document = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "4111 1111"},
            {"type": "thinking", "thinking": "now the rest", "signature": ""},
            {"type": "text", "text": "1111 1111"},
        ],
    }
    parts = [part for part in read_completion("anthropic.messages", document).parts if "1111" in part.text]
    assert [part.text for part in parts] == ["4111 1111", "1111 1111"]
    assert await hidden(inspector, parts) == ["", ""]


@pytest.mark.parametrize(
    "texts",
    [
        ("call me on 415 555", "2671 is my extension"),
        ("I paid 4111", "1111 of us came", "1111 more", "1111 in all"),
        ("my card ends in 1111", "4111 is the old one"),
        ("the first key is AKIAQX4BLZ7PTWUVR2KD", "thanks for looking"),
        ("mine is sk-ant-api03-abcDEF1234567890abcDEF1234", "yes, that one"),
        ("take 4111 1111 1111 1111", "123 is on the back"),
        ("write to jane.roe@", "acme.org is where she works"),
        ("what is the password:", "docs2024 explains it"),
        ("order 12", "34 boxes", "56 pallets", "78", "90", "12", "34", "56", "78"),
        (KEY, "please rotate it"),
    ],
)
async def test_ordinary_turns_beside_each_other_make_no_value(
    inspector: Detector, texts: Sequence[str]
) -> None:
    """Honest work: numbers and words at the borders of messages stay what they are."""
    alone = [_without(text, inspector.find([Part("user", "text", "/x", text)])[0]) for text in texts]
    left = await hidden(inspector, prompt(*turns(texts)))
    assert left[::2] == alone


async def test_a_hundred_turns_of_prose_are_not_inspected_twice(inspector: Detector) -> None:
    """Honest work: no border between plain sentences costs an inspection."""
    said = [f"Sentence {number} says what is to be done about it." for number in range(100)]
    assert joins(prompt(*turns(said))) == []
