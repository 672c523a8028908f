"""Machines with and without OPA, to run `regate policy …` on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.policy import app
from gateway.errors import ConfigError
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
        # the cache itself stays: detection would compile its patterns anew for each test
        monkeypatch.setattr("gateway.policy.engine.opa.cached_opa", lambda: tmp_path / "opa")
    name: str = request.param
    return name


@pytest.fixture
def machine_with_opa(tmp_path: Path, opa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with OPA, and a configuration that names the library."""
    _configure(tmp_path, monkeypatch)
    monkeypatch.setenv("REGATE_OPA", str(opa))


def _configure(folder: Path, monkeypatch: pytest.MonkeyPatch, policy: Path = LIBRARY) -> None:
    (folder / "regate.yaml").write_text(
        f"providers:\n  demo: {{family: openai, base_url: builtin:demo}}\npolicy: {{path: {policy}}}\n"
    )
    monkeypatch.setenv("REGATE_CONFIG", str(folder / "regate.yaml"))


def regate(*arguments: str) -> Result:
    """Run `regate policy …`."""
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def root(tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a configuration whose policy is a copy of the library."""
    _configure(tmp_path, monkeypatch, policy)
    return tmp_path


def said(*arguments: str) -> dict[str, Any]:
    """What a command that succeeds says as JSON."""
    run = regate(*arguments, "--json")
    assert run.exception is None, run.exception
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def refused(*arguments: str) -> str:
    """Why a command is refused."""
    run = regate(*arguments)
    assert isinstance(run.exception, ConfigError), run.output
    return str(run.exception)
