"""Each operator masks in its way, and overlapping findings are replaced once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.decision import Mask
from gateway.masking import Vault, apply_mask, splice
from gateway.words import Finding

CARD = Finding("CREDIT_CARD", "pii", 1.0, "/a", 0, 19)
VALUE = "4111 1111 1111 1111"


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
    assert not vault.restorable
    apply_mask(Mask("CREDIT_CARD", restore=True), CARD, VALUE, vault)
    assert {kept: entry.value for kept, entry in vault.restorable.items()} == {name: VALUE}


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
