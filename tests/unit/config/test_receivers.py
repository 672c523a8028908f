"""Where evidence is shipped to: what is taken, and what is refused with what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config, load_config
from gateway.errors import ConfigError


def load(folder: Path, url: str, rest: str = "") -> Config:
    path = folder / "regate.yaml"
    path.write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
        f"audit: {{receivers: [{{name: siem, url: '{url}'{rest}}}]}}\n"
    )
    return load_config(path)


@pytest.mark.parametrize(
    ("url", "rest", "message"),
    [
        ("ftp://h", "", "siem: url: expected https://HOST/PATH"),
        ("https://u:p@h/", "", "siem: url: expected https"),
        ("https://h/?token=x", "", "siem: url: expected https"),
        ("http://h/", "", "siem: url: expected TLS, or an address on this machine's loopback"),
        ("syslog+tcp://10.0.0.1:514", "", "siem: url: expected TLS"),
        ("https://h/", ", credential: sk-very-secret", "siem: credential: expected a reference"),
        ("syslog+tls://h", ", credential: env:A", "siem: credential: syslog takes none"),
        ("https://h/", ", format: cef", "format"),
        ("https://h/'}, {name: siem, url: 'https://i/", "", "receivers: expected a name of its own"),
    ],
)
def test_a_mistake_is_refused_with_what_was_expected(
    tmp_path: Path, url: str, rest: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, url, rest)
    assert "sk-very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://siem.acme.example/in",
        "otlp+http://127.0.0.1:4318",
        "kafka+https://proxy:8082/topics/evidence",
        "syslog+tls://[2001:db8::1]:6514",
        "syslog+tcp://localhost",
        "syslog+unix:/run/log.sock",
    ],
)
def test_receivers_are_reached_in_these_ways(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, url).audit.receivers[0].url == url
