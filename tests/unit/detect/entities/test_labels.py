"""The words that say that a secret follows."""

import pytest
import regex

from gateway.detect.entities.labels import NAME, SESSION, TOKEN


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "smtp_pass", "dbPwd", "client-secret", "apiKey", "password2"]
)
def test_a_name_that_ends_in_a_label_is_one(name: str) -> None:
    assert regex.search(rf"(?i){NAME}\Z", name)


@pytest.mark.parametrize("name", ["password_hash", "compass", "secretary", "bypass", "passage", "keypassed"])
def test_other_words_are_none(name: str) -> None:
    assert not regex.search(rf"(?i){NAME}\Z", name)


def test_tokens_of_pages_and_of_tokenizers_are_no_credentials() -> None:
    assert regex.search(rf"(?i){TOKEN}\Z", "CI_JOB_TOKEN")
    for name in ("next_page_token", "pageToken", "pad_token", "max_tokens_1"):
        assert not regex.search(rf"(?i){TOKEN}\Z", name)


def test_a_session_is_named_in_many_ways() -> None:
    for name in ("JSESSIONID", "PHPSESSID", "connect.sid", "__Secure-next-auth.session-token", "sid"):
        assert regex.fullmatch(rf"(?i){SESSION}", name)
    assert not regex.fullmatch(rf"(?i){SESSION}", "theme")
