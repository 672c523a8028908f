"""What a secret's value has to look like."""

import pytest

from bench.accuracy.pasted import NO_SECRETS
from gateway.detect.entities.values import is_basic, is_code, is_password, is_strong, is_token


@pytest.mark.parametrize(
    "value",
    [
        "hunter2-Xk9",
        "/Po8kSbxZTc63sZLf4i4AMCZRY0eF2iH7/uu5TP0pIN=",
        "Tr0ub4dor&3",
        "Herbst-2026",
        "Sommer 2026 ist heiß!",
        "$up3r$Ecr3t",
    ],
)
def test_a_made_up_value_is_a_password(value: str) -> None:
    assert is_password(value)


@pytest.mark.parametrize("value", NO_SECRETS)
def test_what_stands_in_the_place_of_a_password_is_none(value: str) -> None:
    assert not is_password(value)
    assert not is_token(value)


@pytest.mark.parametrize(
    "value",
    [
        "Must be 8 characters or longer!", "mindestens 12 Zeichen", "testRSA2048PrivateKey", "uint256",
        "1:4.13+dfsg1-1+deb12u1", "PBKDF2-SHA256", "2026-11-24T10:00:00Z", "&brokenKey", "*uint16",
        "jane@example", "string?",
    ],
)  # fmt: skip
def test_sentences_types_and_names_are_no_passwords(value: str) -> None:
    assert not is_password(value)


def test_a_strong_password_looks_like_no_word_of_a_sentence() -> None:
    assert is_strong("c1sc0-En4ble")
    assert is_strong("Herbst#2026")
    assert not is_strong("winter2024")
    assert not is_strong("reset-2026")


def test_a_token_is_made_by_a_machine() -> None:
    assert is_token("9f8e7d6c5b4a39281706f5e4d3c2b1a0")
    assert is_token("550e8400-e29b-41d4-a716-446655440000")
    assert not is_token("my-app-token-2026-prod")
    assert not is_token("short1")


def test_a_code_is_a_few_digits_and_a_basic_credential_is_a_pair() -> None:
    assert is_code("482 913")
    assert not is_code("0000")
    assert is_basic("Y2k6ZGNrci05eEsyLXB3")
    assert not is_basic("bm8gY29sb24")
