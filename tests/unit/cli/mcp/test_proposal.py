"""A proposal is a diff; what it names must be a file of the policy or of its tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.mcp.proposal import copied, texts_of
from gateway.config import Config, Provider
from gateway.errors import ConfigError
from tests.unit.policy.conftest import LIBRARY


@pytest.fixture
def config(tmp_path: Path) -> Config:
    shutil.copytree(LIBRARY, tmp_path / "policies/rego")
    return Config(providers={"demo": Provider("openai", "builtin:demo")}, root=tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "regate.yaml",
        "policies/rego/../../regate.yaml",
        "/etc/passwd.yaml",
        "policies/rego/run.sh",
        "policies/rego",
        "../x.rego",
        "",
    ],
)
def test_no_other_file_is_written(config: Config, name: str) -> None:
    with pytest.raises(ConfigError, match="expected a file"), copied(config, {name: "x"}):
        pass


def test_the_change_stands_in_the_copy_alone(config: Config) -> None:
    with copied(config, {"policies/rego/settings/night/data.yaml": "a: 1\n"}) as copy:
        assert (copy.config.policy_path / "settings/night/data.yaml").read_text() == "a: 1\n"
    assert not (config.policy_path / "settings/night").exists()
    assert not copy.config.policy_path.exists()


@pytest.mark.parametrize("files", [None, {}, [], {"a.rego": 1}, {"a.rego": "x" * 2_000_000}])
def test_files_are_texts(files: object) -> None:
    with pytest.raises(ConfigError, match="expected"):
        texts_of(files)
