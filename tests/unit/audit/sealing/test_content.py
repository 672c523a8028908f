"""Full content: encrypted under its session's key, opened by the content key alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.sealing.content import ContentKey, Unreadable, load_content_key
from gateway.config import Config, Provider, load_config
from gateway.errors import ConfigError

_KEY = ContentKey(b"a secret of some length")


@given(st.text(), st.text())
def test_what_is_sealed_opens_with_the_content_key(text: str, session: str) -> None:
    data_key = _KEY.of(session)
    assert _KEY.decrypt(session, data_key.wrapped, data_key.encrypt(text, "d"), "d") == text


def test_another_process_with_the_same_secret_opens_it() -> None:
    data_key = _KEY.of("se_1")
    other = ContentKey(b"a secret of some length")
    assert other.decrypt("se_1", data_key.wrapped, data_key.encrypt("hello", "d"), "d") == "hello"
    assert other.of("se_1").wrapped != data_key.wrapped


@pytest.mark.parametrize("changed", ["key", "session", "digest", "text"])
def test_nothing_opens_under_another_key_session_or_digest(changed: str) -> None:
    data_key = _KEY.of("se_1")
    sealed = data_key.encrypt("hello", "d")
    key = ContentKey(b"another secret") if changed == "key" else _KEY
    session = "se_2" if changed == "session" else "se_1"
    digest = "e" if changed == "digest" else "d"
    sealed = sealed[:-2] + ("00" if sealed[-2:] != "00" else "01") if changed == "text" else sealed
    with pytest.raises(Unreadable):
        key.decrypt(session, data_key.wrapped, sealed, digest)


def test_sessions_have_keys_of_their_own() -> None:
    with pytest.raises(Unreadable):
        _KEY.decrypt("se_2", _KEY.of("se_2").wrapped, _KEY.of("se_1").encrypt("hello", "d"), "d")


def test_a_content_key_that_is_not_set_or_too_short_keeps_the_gateway_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(tmp_path, "env:CONTENT_KEY")
    monkeypatch.delenv("CONTENT_KEY", raising=False)
    with pytest.raises(ConfigError, match="env:CONTENT_KEY is not set"):
        load_content_key(config)
    monkeypatch.setenv("CONTENT_KEY", "short")
    with pytest.raises(ConfigError, match="too short"):
        load_content_key(config)
    monkeypatch.setenv("CONTENT_KEY", "k" * 32)
    load_content_key(config)


def test_a_content_key_written_into_the_file_itself_is_refused_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a reference") as refused:
        _config(tmp_path, "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t")
    assert "s3cr3t" not in str(refused.value)


def test_without_one_the_server_key_stands_in(tmp_path: Path) -> None:
    config = Config({"demo": Provider("openai", "builtin:demo")}, root=tmp_path)
    data_key = load_content_key(config).of("se_1")
    assert load_content_key(config).decrypt("se_1", data_key.wrapped, data_key.encrypt("x", "d"), "d") == "x"


def _config(folder: Path, content_key: str) -> Config:
    path = folder / "regate.yaml"
    path.write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
        f"audit: {{content_key: '{content_key}'}}\n"
    )
    return load_config(path)
