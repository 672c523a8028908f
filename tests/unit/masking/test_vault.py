"""Placeholders, operators and splicing."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.decision import Mask
from gateway.errors import InspectionFailed
from gateway.masking import Restorer, Vault, apply_mask, splice
from gateway.masking.placeholders import PLACEHOLDER
from gateway.masking.vault import VaultEntry
from gateway.words import Finding

CARD = Finding("CREDIT_CARD", "pii", 1.0, "/a", 0, 19)
VALUE = "4111 1111 1111 1111"


def test_one_agent_gets_one_placeholder_for_a_value_and_another_agent_another() -> None:
    first = Vault(b"a" * 32).placeholder("EMAIL_ADDRESS", "pii", "a@example.com")
    assert first == Vault(b"a" * 32).placeholder("EMAIL_ADDRESS", "pii", "a@example.com")
    assert first != Vault(b"b" * 32).placeholder("EMAIL_ADDRESS", "pii", "a@example.com")
    assert PLACEHOLDER.fullmatch(first)
    assert len(first) == len("<EMAIL_ADDRESS_k7f3q2>")


def test_two_values_never_share_a_placeholder() -> None:
    class Colliding(Vault):
        def code(self, purpose: str, entity: str, value: str) -> str:
            return "aaaaaaa" + value

    vault = Colliding(b"k" * 32)
    assert vault.placeholder("X", "pii", "b") == "<X_aaaaaa>"
    assert vault.placeholder("X", "pii", "c") == "<X_aaaaaaa>"
    assert vault.placeholder("X", "pii", "d") == "<X_aaaaaaad>"
    assert vault.placeholder("X", "pii", "b") == "<X_aaaaaa>"
    for name in ("<X_aaaaaa>", "<X_aaaaaaa>"):
        vault.mark_restorable(name)
    assert [entry.value for entry in vault.restorable.values()] == ["b", "c"]
    with pytest.raises(KeyError):
        vault.mark_restorable("<X_bbbbbb>")


@pytest.mark.parametrize(
    "spell",
    [str, str.lower, lambda name: name.replace("<", "&lt;"), lambda name: name.replace("<", "\\u003c")],
)
def test_no_placeholder_is_one_that_the_prompt_holds_as_plain_text(spell: Callable[[str], str]) -> None:
    name = Vault(b"k" * 32).placeholder("EMAIL_ADDRESS", "pii", "a@example.com")
    vault = Vault(b"k" * 32)
    vault.reserve([f"what does {spell(name)} mean?", "<X_aaaaaa>"])
    longer = vault.placeholder("EMAIL_ADDRESS", "pii", "a@example.com")
    assert longer.startswith(name[:-1])
    assert len(longer) == len(name) + 1
    assert vault.value_of(name) is None
    vault.mark_restorable(longer)
    restorer = Restorer(vault, ())
    assert restorer.whole(f"{spell(name)} {longer}") == f"{spell(name)} a@example.com"


def test_a_placeholder_that_was_given_before_the_text_was_read_is_given_anew() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("XX", "pii", "v")
    vault.reserve([name])
    assert vault.value_of(name) is None
    assert vault.placeholder("XX", "pii", "v") != name
    assert vault.holds("v")


def test_a_prompt_that_has_taken_every_placeholder_of_a_value_is_not_inspected_at_all() -> None:
    vault = Vault(b"k" * 32)
    code = vault.code("placeholder", "XX", "v")
    vault.reserve(f"<XX_{code[:length]}>" for length in range(6, 53))
    with pytest.raises(InspectionFailed):
        vault.placeholder("XX", "pii", "v")


def test_a_completion_s_vault_keeps_clear_of_the_prompt_s() -> None:
    class Colliding(Vault):
        def code(self, purpose: str, entity: str, value: str) -> str:
            return "aaaaaaa" + value

    prompt = Colliding(b"k" * 32)
    completion = Colliding(b"k" * 32, beside=prompt)
    assert prompt.placeholder("X", "pii", "b") == "<X_aaaaaa>"
    assert completion.placeholder("X", "pii", "c") == "<X_aaaaaaa>"
    assert completion.placeholder("X", "pii", "b") == "<X_aaaaaa>"


def test_the_vault_knows_its_values_and_what_may_be_restored() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("X", "secret", "v")
    assert (vault.holds("v"), vault.holds("w"), dict(vault.restorable)) == (True, False, {})
    vault.mark_restorable(name)
    assert dict(vault.restorable) == {name: VaultEntry("X", "secret", "v")}
    with pytest.raises(KeyError):
        vault.mark_restorable("<X_aaaaaa>")


def test_each_operator_masks_in_its_way() -> None:
    vault = Vault(b"k" * 32)
    assert apply_mask(Mask("CREDIT_CARD", "redact"), CARD, VALUE, vault) == "<REDACTED_CREDIT_CARD>"
    assert apply_mask(Mask("CREDIT_CARD", "partial"), CARD, VALUE, vault) == "**** **** **** 1111"
    assert apply_mask(Mask("CREDIT_CARD", "partial"), CARD, "1234567", vault) == "<REDACTED_CREDIT_CARD>"
    hashed = apply_mask(Mask("CREDIT_CARD", "hash"), CARD, VALUE, vault)
    assert hashed == apply_mask(Mask("CREDIT_CARD", "hash"), CARD, VALUE, vault)
    assert hashed != apply_mask(Mask("CREDIT_CARD", "hash"), CARD, VALUE + "1", vault)
    assert not vault.restorable


def test_a_hash_is_another_for_another_agent() -> None:
    ours, theirs = (apply_mask(Mask("X", "hash"), CARD, VALUE, Vault(key * 32)) for key in (b"a", b"b"))
    assert ours != theirs


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (r"jane\u0040acme.org", "*********.org"),
        (r"jane@acme.\u006frg1", r"****@****.\u006frg1"),
        (r"4111\n1111\n1111", "**********1111"),
        (r"C:\\secret\\1234", r"*:\\******\\1234"),
        (r"\u0041\u0042\u0043\u0044\u0045\u0046\u0047", "<REDACTED_CREDIT_CARD>"),
    ],
)
def test_a_partial_mask_leaves_no_half_of_an_escape(value: str, shown: str) -> None:
    assert apply_mask(Mask("CREDIT_CARD", "partial"), CARD, value, Vault(b"k" * 32)) == shown
    json.loads(f'"{shown}"')


def test_only_a_restoring_mask_makes_a_placeholder_restorable() -> None:
    vault = Vault(b"k" * 32)
    name = apply_mask(Mask("CREDIT_CARD"), CARD, VALUE, vault)
    assert vault.value_of(name) == VALUE
    assert not vault.restorable
    apply_mask(Mask("CREDIT_CARD", restore=True), CARD, VALUE, vault)
    assert list(vault.restorable) == [name]


def test_overlapping_findings_become_one_replacement_by_the_strongest() -> None:
    text = "x postgres://a@b.c y"
    findings = [
        Finding("EMAIL_ADDRESS", "pii", 1.0, "", 13, 18),
        Finding("CONNECTION_STRING", "secret", 0.9, "", 2, 16),
    ]
    assert splice(text, findings, lambda one: f"[{one.entity}:{text[one.start : one.end]}]") == (
        "x [CONNECTION_STRING:postgres://a@b.c] y"
    )


@given(text=st.text(max_size=60), data=st.data())
def test_splicing_back_what_was_cut_gives_the_text_again(text: str, data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    findings = [Finding("X", "pii", 1.0, "", a, b) for a, b in data.draw(st.lists(places)) if a < b]
    assert splice(text, findings, lambda one: text[one.start : one.end]) == text
    assert all(char in "#" or char in text for char in splice(text, findings, lambda one: "#"))
