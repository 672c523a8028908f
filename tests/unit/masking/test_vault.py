"""Placeholders, operators and splicing."""

from collections.abc import Callable

import pytest

from gateway.errors import InspectionFailed
from gateway.masking import Restorer, Vault
from gateway.masking.placeholders import PLACEHOLDER
from gateway.masking.vault import VaultEntry


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
    with pytest.raises(KeyError):
        vault.mark_restorable(name)
    vault.mark_restorable(longer)
    restorer = Restorer(vault, ())
    assert restorer.whole(f"{spell(name)} {longer}") == f"{spell(name)} a@example.com"


def test_a_placeholder_that_was_given_before_the_text_was_read_is_given_anew() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("XX", "pii", "v")
    vault.reserve([name])
    with pytest.raises(KeyError):
        vault.mark_restorable(name)
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
