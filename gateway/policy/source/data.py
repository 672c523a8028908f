"""The data files of a policy: read strictly, and merged as OPA merges them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from gateway.config import strict_yaml
from gateway.errors import ConfigError
from gateway.policy.source.settings import SETTINGS

DATA_FILES = ("data.yaml", "data.json")


def parse_data(path: Path, text: str) -> Any:
    if path.name not in DATA_FILES:
        raise ConfigError(f"{path}: expected data in a file called {' or '.join(DATA_FILES)}")
    return parse_document(path, text)


def parse_document(path: Path, text: str) -> Any:
    """Return what a file of JSON or YAML says. Raises ConfigError on what Rego would read otherwise."""
    try:
        document = _read(path, text)
        _check_values(document)
        return document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: expected data that JSON can express: {error}") from error


def _read(path: Path, text: str) -> Any:
    if path.suffix != ".json":
        return strict_yaml(text)
    from gateway.dialects import strict_json  # here: most policies have no JSON, and do without the dialects

    return strict_json(text)


def graft(data: dict[str, Any], root: Path, name: str, document: Any) -> None:
    """Add a data file at its folder's path, as OPA does; refuse a key that two files have."""
    folders = name.split("/")[:-1]
    if not folders or folders[0] != SETTINGS:
        raise ConfigError(f"{root / name}: found data outside {SETTINGS}/, expected {SETTINGS}/data.yaml")
    if not isinstance(document, dict):
        raise ConfigError(f"{root / name}: expected a mapping")
    node = data
    for folder in folders:
        node = node.setdefault(folder, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{root / name}: another data file has a value at {'.'.join(folders)}")
    for key, value in document.items():
        if key in node:
            raise ConfigError(f"{root / name}: {'.'.join([*folders, key])} is in another data file too")
        node[key] = value


def to_json(document: Any) -> bytes:
    """Return the checked document as JSON."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _check_values(document: Any) -> None:
    """Raise TypeError or ValueError on what JSON cannot express.

    Rego knows names of text only: `1:` would be the name `"1"` there. Half of a surrogate pair is no text:
    each engine would make something else of it.
    """
    if isinstance(document, dict):
        for name, value in document.items():
            if not isinstance(name, str):
                raise TypeError(f"found {name!r} as a name, expected text: put it in quotes")
            _check_values(name)
            _check_values(value)
    elif isinstance(document, list):
        for value in document:
            _check_values(value)
    elif isinstance(document, str):
        document.encode()
    elif isinstance(document, float) and not math.isfinite(document):
        raise ValueError(f"found {document}, which is no number in JSON")
