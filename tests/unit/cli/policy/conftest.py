"""Machines with and without OPA, to run `regate policy …` on."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.policy import app
from tests.unit.candidate.conftest import candidate, recorder
from tests.unit.policy.conftest import LIBRARY, document, policy

__all__ = ["candidate", "document", "policy", "recorder"]


@pytest.fixture(params=["opa", "without opa"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine with or without OPA, and a configuration that names the library."""
    _configure(tmp_path, monkeypatch)
    if request.param == "opa":
        monkeypatch.setenv("REGATE_OPA", str(request.getfixturevalue("opa")))
    else:
        monkeypatch.delenv("REGATE_OPA", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name: str = request.param
    return name


@pytest.fixture
def machine_with_opa(tmp_path: Path, opa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with OPA, and a configuration that names the library."""
    _configure(tmp_path, monkeypatch)
    monkeypatch.setenv("REGATE_OPA", str(opa))


def _configure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "regate.yaml").write_text(
        f"providers:\n  demo: {{family: openai, base_url: builtin:demo}}\npolicy: {{path: {LIBRARY}}}\n"
    )
    monkeypatch.setenv("REGATE_CONFIG", str(folder / "regate.yaml"))


def regate(*arguments: str) -> Result:
    """Run `regate policy …`."""
    return CliRunner().invoke(app, list(arguments))
