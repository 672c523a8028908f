"""The configuration is refused whole: the message says where, what was found and what was expected."""

from pathlib import Path

import pytest

from gateway.config import load_config, resolve_reference
from gateway.errors import ConfigError

MINIMAL = "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"


def load(tmp_path: Path, text: str):
    path = tmp_path / "regate.yaml"
    path.write_text(text)
    return load_config(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"\$: Expected `object`, got `null`"),
        ("providers: {}", "expected at least one"),
        (MINIMAL + "workrs: 2", "unknown field `workrs`; did you mean workers?"),
        ("providers: {a: {family: openaii, base_url: http://h}}", "found 'openaii'; did you mean openai?"),
        (
            "providers: {a: {family: openai, base_url: http://h, timeouts: {conect: 1}}}",
            r"\$\.providers\.a\.timeouts: .*did you mean connect\?",
        ),
        (
            "providers: {a: {family: openai, base_url: http://h, fallback: [openal]}, "
            "openai: {family: openai, base_url: http://i}}",
            r"\$\.providers\.a\.fallback: found 'openal'; did you mean openai\?",
        ),
        (
            "providers: {a: {family: openai, base_url: http://h, fallback: [b]}, "
            "b: {family: mcp, base_url: http://i}}",
            "expected a provider of family openai, and it is mcp",
        ),
        ("providers: {a: {family: openai, base_url: http://h, fallback: [a]}}", "expected another provider"),
        (
            "providers: {a: {family: mcp, base_url: http://h, deployments: [{base_url: http://i}]}}",
            "sessions of family mcp live at one",
        ),
        (MINIMAL + "detect: {zzz: 1}", "unknown field `zzz`; expected one of threshold, "),
        (MINIMAL + "workers: two", r"\$\.workers: Expected `int`, got `str`, found 'two'"),
        (MINIMAL + "workers: 0", r"\$\.workers: Expected `int` >= 1, found 0"),
        (MINIMAL + "workers: 1\nworkers: 2", "'workers' is given twice"),
        (MINIMAL + "root: /", r"\$\.root: found an unknown key"),
        (MINIMAL + "listen: localhost", r"\$\.listen: .*found 'localhost'"),
        (MINIMAL + "policy: {engine: opa}", r"\$\.policy\.engine: Expected one of .*sidecar.*, found 'opa'"),
        (MINIMAL + "policy: {enforce: 'no way'}", r"\$\.policy\.enforce: Expected `bool`"),
        (MINIMAL + "limits: {body_bytes: -1}", r"\$\.limits\.body_bytes: Expected `int` >= 1, found -1"),
        (MINIMAL + "state: postgres://db", r"\$\.state: .*found 'postgres://db'"),
        ("providers: {admin: {family: openai, base_url: http://h}}", "'admin' cannot name a provider"),
        ("providers: {A: {family: openai, base_url: http://h}}", "'A' cannot name a provider"),
        (
            "providers: {a: {family: cohere, base_url: http://h}}",
            r"\$\.providers\.a\.family: .*found 'cohere'",
        ),
        ("providers: {a: {family: openai}}", r"\$\.providers\.a: .*missing required field `base_url`"),
        ("providers: {a: {family: openai, base_url: ftp://h}}", r"\$\.providers\.a: base_url: expected http"),
        ("providers: {a: {family: openai, base_url: 'http://u:p@h'}}", "base_url: expected http"),
        (
            MINIMAL + "detect: {custom: [{entity: XX, patterns: [x], checksum: sum}]}",
            r"custom\.0\.checksum: Expected one of luhn, .*, found 'sum'",
        ),
        (MINIMAL + "detect: {custom: [{entity: XX}]}", "XX: expected words or patterns, found neither"),
        (MINIMAL + "detect: {ner: {enabled: perhaps}}", r"\$\.detect\.ner\.enabled: Expected `bool`"),
        (
            "providers: {a: {family: openai, base_url: http://h, labels: {region: ''}}}",
            r"\$\.providers\.a\.labels",
        ),
        (
            "detect: {internal_domains: [Acme.example]}",
            r"\$\.detect\.internal_domains",
        ),
        (
            "providers: {a: {family: openai, base_url: http://h, credential_header: host}}",
            r"\$\.providers\.a\.credential_header: Expected",
        ),
        (
            MINIMAL + "usage: {timezone: Europe/Atlantis}",
            "timezone: found 'Europe/Atlantis'; expected a name",
        ),
        (MINIMAL + "usage: {timezone: ../etc/passwd}", "timezone: found '../etc/passwd'"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_refused_with_path_value_and_expectation(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert "regate.yaml" in str(caught.value)


def test_a_credential_written_into_the_file_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(ConfigError, match="expected a reference") as caught:
        load(tmp_path, "providers: {a: {family: openai, base_url: http://h, credential: sk-very-secret}}")
    assert "sk-very-secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_reference_gives_the_secret_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "s3cret")
    (tmp_path / "key").write_text("from-a-file\n")
    assert resolve_reference("env:SOME_KEY") == "s3cret"
    assert resolve_reference("env:NO_SUCH_KEY") is None
    assert resolve_reference(f"file:{tmp_path}/key") == "from-a-file"
    assert resolve_reference(f"file:{tmp_path}/none") is None
