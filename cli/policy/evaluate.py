"""`regate policy eval`: the decision on one input."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.policy.folders import PolicyFolder, configured
from cli.policy.loading import load
from gateway.decision import to_document
from gateway.errors import ConfigError


def evaluate(
    file: Annotated[Path, typer.Argument(help="An input document in JSON (docs/reference/policy.md).")],
    path: PolicyFolder = None,
) -> None:
    """Print the decision on one input document."""
    config = configured(path)
    document = _document(file)
    decision = asyncio.run(load(config, document))
    assert decision is not None
    typer.echo(json.dumps(to_document(decision), ensure_ascii=False, indent=2))


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected a JSON object")
    return document
