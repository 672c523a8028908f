"""A value that the end of a line cuts is found whole; two lines that are two things stay two."""

import random

import pytest

from bench.accuracy.secrets import API_KEYS
from gateway.detect import Detector

LINE = "Please charge what was agreed last week, the number that they gave us is "
BREAKS = {
    "a line": "\n",
    "CRLF": "\r\n",
    "a quoted mail": "\n> ",
    "quoted-printable": "=\n",
    "a shell": "\\\n",
    "an indent": "\n    ",
}
VALUES = {
    "card": "4111 1111 1111 1111",
    "card without groups": "4111111111111111",
    "American Express": "3782 822463 10005",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "phone": "+1 415 555 2671",
    "SSN": "536-90-4399",
}
# No fixed beginning: a name, digits, a host.
_NO_HEAD = {"Mailchimp", "Telegram bot", "Discord bot", "Slack webhook", "Twilio"}


def left(inspector: Detector, before: str, sign: str, after: str) -> str:
    """What is not found of a value in two pieces."""
    text = f"{LINE}{before}{sign}{after} and then close it.\n"
    found = {at for one in inspector.inspect(text) for at in range(one.start, one.end)}
    piece = range(len(LINE), len(LINE) + len(before + sign + after))
    return "".join(text[at] for at in piece if at not in found and text[at].isalnum())


@pytest.mark.parametrize("sign", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_that_is_cut_anywhere_leaves_nothing(inspector: Detector, value: str, sign: str) -> None:
    first = 4 if value.startswith("DE") else 2  # what names the country, and a plus, are never cut
    cuts = range(first, len(value) - 1)
    assert {
        cut: rest
        for cut in cuts
        if (rest := left(inspector, value[:cut].rstrip(), sign, value[cut:].lstrip()))
    } == {}


@pytest.mark.parametrize("issuer", sorted(API_KEYS.keys() - _NO_HEAD))
def test_a_key_that_is_cut_leaves_nothing(inspector: Detector, issuer: str) -> None:
    key = API_KEYS[issuer](random.Random(issuer))
    half = len(key) * 2 // 3
    for sign in BREAKS.values():
        assert left(inspector, key[:half], sign, key[half:]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "export OPENAI_API_KEY=sk-proj-T3stKeyT3stKeyT3stKeyT3stKeyT3stKeyT3stKey123456\nSTRIPE_V2_SECRET=",
        "the key is ghp_16C7e42F292c6912E7710c838347Ae178B4a\n2026-11-24T10:15:00 INFO done",
        "the key of that account is sk-ant-api03-abcDEF1234567890abcDEF1234\nsk-ant-api03-zzzDEF1234567890",
        "Card 4111 1111 1111 1111\n2 rooms",
    ],
)
def test_a_line_that_ends_in_a_whole_value_ends_there(inspector: Detector, text: str) -> None:
    assert not any("\n" in text[one.start : one.end] for one in inspector.inspect(text))


@pytest.mark.parametrize(
    "text",
    [
        "id,total\n1001,4111 1111\n1111 1111,5",
        "41111111\n11111111\n",
        "from 2026-11-24 10:41:11\n1111 1111 1111 rows",
        "ping root@web\nweb.example",
    ],
)
def test_two_lines_that_are_two_things_stay(inspector: Detector, text: str) -> None:
    assert [one for one in inspector.inspect(text) if one.score >= 0.5] == []
