"""A value goes where its mask says, and a model cannot name a place so that it looks like that one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking import Restorer, Vault
from gateway.masking.destinations import TEXT, admits, destinations, string_paths
from gateway.words import ToolCall

EMAIL = "john.doe@example.com"


@pytest.mark.parametrize(
    ("allowed", "destination", "may"),
    [
        (None, TEXT, True),
        (None, ("crm", "x"), True),
        ({"text"}, TEXT, True),
        ({"text"}, ("text", "text"), False),
        ({"text"}, ("crm",), False),
        ({"tools"}, TEXT, False),
        ({"tools"}, ("crm", "x"), True),
        ({"crm"}, ("crm", "x", "y"), True),
        ({"crm"}, ("crm2", "x"), False),
        ({"crm_*"}, ("crm_add", "x"), True),
        ({"*"}, TEXT, False),
        ({"send.to"}, ("send", "to", "name"), True),
        ({"send.to"}, ("send", "cc"), False),
        ({"send.to"}, ("send",), False),
        ({"send.to"}, ("Send", "to"), False),
        ({"send.to.name"}, ("send", "to.name"), False),
        ({"send.to.name"}, ("send", "to", "name"), True),
        ({"*.to"}, ("anything", "to"), True),
        ({"*.to"}, ("anything", "note", "to"), False),
        ({"send.to"}, ("send.to",), False),
        ({"send.to"}, ("send.to", "note"), False),
        ({"send.to.name"}, ("send.to", "name"), False),
        ({"send.*"}, ("send.to", "note"), False),
        ({"*.to"}, ("evil.to", "note"), False),
        ({"send[.]to"}, ("send.to", "note"), True),
        ({"send[.]to"}, ("send", "to"), False),
        ({"send[.]to.name"}, ("send.to", "name", "x"), True),
        ({"send[.]to.name"}, ("send.to", "note"), False),
        (set(), TEXT, False),
        (set(), ("crm", "x"), False),
    ],
)
def test_a_value_goes_where_it_may(allowed: set[str] | None, destination: Any, may: bool) -> None:
    assert admits(None if allowed is None else frozenset(allowed), destination) is may


STEP = st.text("ab.", min_size=1, max_size=3)


@given(st.lists(STEP, min_size=1, max_size=3), st.lists(STEP, min_size=1, max_size=4))
def test_a_place_admits_itself_and_what_is_below_it_however_dots_stand(
    place: list[str], destination: list[str]
) -> None:
    written = ".".join(step.replace(".", "[.]") for step in place)
    assert admits(frozenset({written}), tuple(destination)) is (destination[: len(place)] == place)


def test_a_pointer_leads_to_every_place_that_it_may_mean() -> None:
    call = ToolCall("send", {"to": {"name": ["x"]}}, ("/content/0/input/to/name/0",))
    assert destinations(call, "/content/0/input/to/name/0") == [("send", "to", "name", "0")]
    hidden = ToolCall("send", {"input": {"evil": 1}, "evil": "x"}, ())
    assert destinations(hidden, "/content/0/input/evil") == [("send", "input", "evil"), ("send", "evil")]
    assert destinations(ToolCall("send", None, ()), "/content/0/input") == [("send",)]


JSON = st.recursive(
    st.text(max_size=5) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def strings(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, tuple[str, ...]]]:
    """Every string of a document in its order, keys included, with the keys that lead to it."""
    if isinstance(value, dict):
        return [
            each
            for key, item in value.items()
            for each in [(key, (*path, key)), *strings(item, (*path, key))]
        ]
    if isinstance(value, list):
        return [each for item in value for each in strings(item, path)]
    return [(value, path)] if isinstance(value, str) else []


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=3), st.booleans())
def test_each_string_of_a_text_has_the_path_that_a_parser_gives_it(document: Any, plain: bool) -> None:
    text = json.dumps(document, ensure_ascii=plain, indent=None if plain else 1)
    decoder = json.JSONDecoder()
    found = [(decoder.raw_decode(text, start)[0], path) for start, path in string_paths(text)]
    assert found == strings(document)


def limited(*to: str) -> tuple[Restorer, str]:
    vault = Vault(b"k" * 32)
    placeholder = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(placeholder, to)
    return Restorer(vault, ()), placeholder


def test_raw_arguments_get_it_in_their_place_only() -> None:
    restorer, name = limited("send_invoice.address")
    arguments = {"address": {"street": name}, "note": name, "address.street": name}
    call = ToolCall("send_invoice", arguments, ("/a",), raw_json=True)
    restored = json.loads(restorer.json(json.dumps(arguments), call))
    assert restored == {"address": {"street": EMAIL}, "note": name, "address.street": name}
    assert restorer.restores(json.dumps(arguments), call, "/a") == (("EMAIL_ADDRESS", "pii"),)
    assert restorer.restores(json.dumps({"note": name}), call, "/a") == ()
    assert restorer.whole(name) == name


def test_a_tool_that_is_called_like_an_argument_of_another_gets_nothing() -> None:
    restorer, name = limited("send_invoice.address")
    call = ToolCall("send_invoice.address", {"note": name}, ("/a",), raw_json=True)
    text = json.dumps({"note": name})
    assert restorer.json(text, call) == text
    assert restorer.restores(text, call, "/a") == ()


@pytest.mark.parametrize("is_free", [False, True])
def test_an_argument_with_a_pointer_of_its_own_gets_it_in_its_place_only(is_free: bool) -> None:
    restorer, name = limited("send_invoice.address")
    call = ToolCall(
        "send_invoice", {"address": name, "note": name}, ("/i/address", "/i/note"), False, is_free
    )
    assert restorer.argument(name, call, "/i/address") == EMAIL
    assert restorer.argument(name, call, "/i/note") == name
    assert restorer.restores(name, call, "/i/note") == ()
    assert restorer.key(name, call, "/i/note") == name


def test_arguments_that_do_not_parse_have_no_place_in_them() -> None:
    restorer, name = limited("send_invoice.address")
    text = f'{{"address": "{name}"'
    call = ToolCall("send_invoice", None, ("/a",), raw_json=True)
    assert restorer.json(text, call) == text


def test_a_value_that_two_masks_limit_goes_where_both_say() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    for to in (["text", "crm"], ["crm"], []):
        vault.mark_restorable(name, to)
    assert Restorer(vault, ()).whole(name) == name
    assert Restorer(vault, ()).at([("crm", "x")]).whole(name) == EMAIL
