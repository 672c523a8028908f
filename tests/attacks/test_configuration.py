"""What went wrong silently: a configuration that means another thing than it says."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Config, load_config
from gateway.config.variables import NotExpanded, expand
from gateway.errors import ConfigError

PROVIDERS = "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"


def load(folder: Path, text: str) -> Config:
    (folder / "regate.yaml").write_text(PROVIDERS + text)
    return load_config(folder / "regate.yaml")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("audit: {path: '${DATA}/audit'}", "audit_path", Path("/srv/data/audit")),
        ("audit: {path: '${NONE:-/var}/audit'}", "audit_path", Path("/var/audit")),
        ("audit: {path: '${EMPTY:-/var/audit}'}", "audit_path", Path("/var/audit")),
        ("state: sqlite:///${DATA}/r.db", "state_path", Path("/srv/data/r.db")),
        ("policy: {path: '${DATA}/${LEAF}'}", "policy_path", Path("/srv/data/leaf")),
        ("listen: ${NONE:-127.0.0.1}:${PORT}", "listen", "127.0.0.1:8701"),
        ("workers: ${WORKERS}", "workers", 3),
        ("workers: ${NONE:-2}", "workers", 2),
        ("trusted_proxies: ['${NET:-10.0.0.0/8}']", "trusted_proxies", ("10.0.0.0/8",)),
    ],
)
def test_a_variable_is_put_in_and_not_taken_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, field: str, value: object
) -> None:
    """Evidence does not go to a folder called ${DATA}."""
    monkeypatch.setenv("DATA", "/srv/data")
    monkeypatch.setenv("LEAF", "leaf")
    monkeypatch.setenv("PORT", "8701")
    monkeypatch.setenv("WORKERS", "3")
    monkeypatch.setenv("EMPTY", "")
    assert getattr(load(tmp_path, text), field) == value


def test_digits_without_end_do_not_break_the_reader() -> None:
    """Python refuses to read a number of over 4,300 digits: it stays a text, which its setting refuses."""
    digits = "9" * 5000
    assert expand({"workers": "${N}"}, {"N": digits}) == {"workers": digits}


def test_a_dollar_sign_that_is_meant_stays(tmp_path: Path) -> None:
    """$${ is ${, and a dollar sign without a brace is nothing special."""
    text = "detect: {custom: [{entity: PRICE, words: ['$${X}', '$5', '$X', 'a$', '$$']}]}"
    assert load(tmp_path, text).detect.custom[0].words == ("${X}", "$5", "$X", "a$", "$$")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "audit: {path: '${NO_SUCH}/audit'}",
            r"\$\.audit\.path: found \$\{NO_SUCH\}, which is not set or empty",
        ),
        ("audit: {path: '${EMPTY}'}", r"\$\.audit\.path: .*expected an environment variable of that name"),
        ("audit: {path: '${NO_SUCH}'}", r"or \$\{NO_SUCH:-default\}"),
        ("detect: {regions: ['${NO_SUCH}']}", r"\$\.detect\.regions\.0: found"),
        ("audit: {path: '${}'}", r"found \$\{\}; expected \$\{NAME\}"),
        ("audit: {path: '${A-b}'}", r"found \$\{A-b\}"),
        ("audit: {path: '${A:-${B}}'}", r"\$\.audit\.path: found \$\{"),
        ("audit: {path: 'a${A'}", r"\$\.audit\.path: found \$\{"),
        ("audit: {path: '${A B}'}", r"\$\.audit\.path: found \$\{A B\}"),
        ("workers: ${NO_SUCH:-many}", r"\$\.workers: Expected `int`, got `str`, found 'many'"),
        ("trusted_proxies: [proxy.local]", r"trusted_proxies: found 'proxy.local' .*expected addresses"),
        ("trusted_proxies: [10.0.0.1/8]", r"trusted_proxies: found 10.0.0.1/8 has host bits set"),
    ],
)
def test_what_cannot_be_put_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """The error names file, place, what was found and what was expected."""
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "regate.yaml") in str(caught.value)


@pytest.mark.parametrize("reference", ["${KEY}", "env:${NAME}", "file:${PATH}", "sk-${KEY:-x}"])
@pytest.mark.parametrize(
    "place",
    [
        "audit: {content_key: '%s'}",
        "policy: {opa: {url: 'https://opa', token: '%s'}}",
        "telemetry: {otlp: ''}\nproviders_: {a: {credential: '%s'}}",
    ],
)
def test_no_secret_comes_into_the_configuration_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, reference: str
) -> None:
    """Secrets stay where a reference names them, and no message repeats one."""
    monkeypatch.setenv("KEY", "sk-very-secret")
    monkeypatch.setenv("NAME", "KEY")
    with pytest.raises(ConfigError, match="found a variable in a secret") as caught:
        load(tmp_path, place % reference)
    assert "very-secret" not in str(caught.value)
    assert "sk-" not in str(caught.value)


@given(
    st.recursive(
        st.text() | st.integers() | st.booleans() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.dictionaries(st.sampled_from(["A", "B"]), st.text(min_size=1)),
)
def test_what_holds_no_variable_is_left_as_it_is(document: object, environment: dict[str, str]) -> None:
    """Documents without one come out the same; what a variable holds is not looked at again."""
    if "${" not in repr(document):
        assert expand(document, environment) == document
    for name, value in environment.items():
        assert expand(f"-${{{name}}}-", environment) == f"-{value}-"


_WHOLE = re.compile(r"\$\$\{|\$\{A(:-[^{}]*)?\}|\$\{[AB]+:-[^{}]*\}")


@given(st.text("${}:-AB ", max_size=12))
def test_no_text_makes_more_of_a_variable_than_it_is(text: str) -> None:
    """Every text is put in whole, or refused."""
    with suppress(NotExpanded):
        expand([text, "end"], {"A": "1"})
        assert "${" not in _WHOLE.sub("x", text)
