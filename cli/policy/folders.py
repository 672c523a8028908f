"""The folders that policy commands work on: the policy's own and that of its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError
from gateway.policy import is_bundle

FOLDER = "policies/rego"

PolicyFolder = Annotated[
    Path | None, typer.Option("--path", help="The policy folder. [default: policy.path]")
]
TestFolder = Annotated[Path | None, typer.Option("--tests", help="The tests. [default: policy_tests]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def configured(path: Path | None) -> Config:
    """Return the configuration, with `path` as its policy folder where one is given. Raises ConfigError.

    A gateway that runs from a bundle has its folder where bundles are made: policies/rego.
    """
    config = load_config(config_path())
    if path is None and is_bundle(config.policy_path):
        path = config.root / FOLDER
    if path is None:
        return config
    policy = msgspec.structs.replace(config.policy, path=str(path.absolute()), verify_key="")
    return msgspec.structs.replace(config, policy=policy)


def test_folder(config: Config, tests: Path | None) -> Path:
    """Return where the tests are, or would be."""
    return tests or config.root / "policy_tests"


def rego_folders(config: Config, tests: Path | None) -> list[Path]:
    """Return the policy's folder and, where there is one, that of its tests.

    Raises ConfigError when a folder that was named is not there.
    """
    folder = test_folder(config, tests)
    if tests is not None and not folder.is_dir():
        raise ConfigError(f"{folder}: expected a folder of policy tests")
    return [config.policy_path, *([folder] if folder.is_dir() else [])]
