"""Telemetry is off until a collector is named, and never half on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.config import Config, load_config
from gateway.errors import ConfigError
from gateway.observe.telemetry import open_telemetry

_MINIMAL = "providers: {a: {family: openai, base_url: 'http://h'}}\n"


def load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "regate.yaml").write_text(_MINIMAL + text)
    return load_config(tmp_path / "regate.yaml")


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert open_telemetry(load(tmp_path, "")) is None


@pytest.mark.parametrize(
    "setting", ["{otlp: collector:4318}", "{otlp: 'http://u:p@collector:4318'}", "{oltp: 'http://c:4318'}"]
)
def test_what_is_no_collector_is_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ConfigError, match=r"\$\.telemetry"):
        load(tmp_path, f"telemetry: {setting}")


def test_without_the_extra_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"pip install 'regate\[otel\]'"):
        open_telemetry(load(tmp_path, "telemetry: {otlp: 'http://127.0.0.1:4318'}"))
