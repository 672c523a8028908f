"""Secrets that something names are found exactly, in every form; what stands in their place is left alone."""

from __future__ import annotations

import itertools

import pytest

from bench.accuracy.pasted import Pasted, in_place_of_secrets, pasted
from gateway.detect import Detector
from tests.unit.detect.entities.test_secrets import found

WHOLE = {"dsn"}  # masked with the URL that they open
FORMS = {form: list(rows) for form, rows in itertools.groupby(pasted(seed=11), key=lambda one: one.form)}


@pytest.mark.parametrize("form", FORMS)
def test_a_pasted_secret_is_found_exactly_in_every_form(inspector: Detector, form: str) -> None:
    for one in FORMS[form]:
        values = [value for _, value in found(inspector, one.text)]
        assert len(values) == 1, one
        assert values[0] == one.value or (form in WHOLE and one.value in values[0]), one


def test_what_stands_in_the_place_of_a_secret_is_left_alone_in_every_form(inspector: Detector) -> None:
    def is_found(one: Pasted) -> bool:
        return any(span.category == "secret" for span in inspector.inspect(one.text))

    assert [one for one in in_place_of_secrets() if is_found(one)] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your one-time code is 482913", "482913"),
        ("Ihr Bestätigungscode lautet 482 913.", "482 913"),
        ("验证码：482913", "482913"),
        ('DB_PASSWORD: "Sommer 2026 ist heiß!"', "Sommer 2026 ist heiß!"),
        ('{"auths":{"r.example":{"auth":"Y2k6ZGNrci05eEsyLXB3"}}}', "Y2k6ZGNrci05eEsyLXB3"),
        ("user: jane, pass: Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("ENV DB_PASSWORD Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("DB_PASSWORD=a,b;c(1)x", "a,b;c(1)x"),
    ],
)  # fmt: skip
def test_other_labeled_secrets_are_found_exactly(inspector: Detector, text: str, value: str) -> None:
    assert [one for _, one in found(inspector, text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "The exit code is 482913, the order code: 482913, the zip code is 12345",
        '"nextPageToken": "CAUQAA2b3c4d5e6f7a8b9c0d", "page_token=CAUQAA2b3c4d5e6f7a8b9c0d"',
        '{"token": "hello", "token_type": "bearer", "max_tokens": 4096}',
        '"password": "Must have at least 8 characters, 1 digit"',
        "Password managers use PBKDF2-SHA256; the password is base64-encoded",
        "apt\tpasswd\t1:4.13+dfsg1-1+deb12u1",
        "def login(password: str, token: str | None = None) -> bytes32: ...",
        "assert parse('password=test123') == {'password': 'test123'}",
        "kind: SealedSecret\nspec:\n  encryptedData:\n    password: "
        + "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq" * 8,
        "    valueFrom:\n      secretKeyRef:\n        name: db-secret-1\n        key: password\n",
    ],
)
def test_talk_code_and_encrypted_values_are_left_alone(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize(
    "before", ["password: ", "the password is ", "--password ", '{"name":"DB_PASSWORD","value":']
)
def test_a_stream_waits_for_the_end_of_quotes(inspector: Detector, before: str) -> None:
    text = f"use {before}'correct Horse "
    assert inspector.open_at(text) < text.index("'")
    assert inspector.open_at(f"{text}7' ") > text.index("'")
