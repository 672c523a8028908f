"""Which folders the policy commands work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy import folders
from gateway.errors import ConfigError

PROVIDERS = "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file beside a policy folder that it names."""
    file = tmp_path / "regate.yaml"
    file.write_text(PROVIDERS + "policy: {path: rules, timeout_seconds: 3}\n")
    (tmp_path / "rules").mkdir()
    monkeypatch.setenv("REGATE_CONFIG", str(file))
    return file


def test_without_a_path_the_configured_folder_is_taken(configuration: Path) -> None:
    assert folders.configured(None).policy_path == configuration.parent / "rules"


def test_a_path_that_is_given_is_taken_from_where_the_command_runs(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other settings stay those of the file."""
    elsewhere = configuration.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = folders.configured(Path("draft"))
    assert config.policy_path == elsewhere / "draft"
    assert config.policy.timeout_seconds == 3


def test_a_gateway_that_runs_from_a_bundle_is_edited_in_policies_rego(configuration: Path) -> None:
    """The folder has no signature, so the key is not asked for."""
    configuration.write_text(PROVIDERS + "policy: {path: bundles/policy.tar.gz, verify_key: policy.pub}\n")
    config = folders.configured(None)
    assert config.policy_path == configuration.parent / "policies/rego"
    assert config.policy.verify_key == ""


def test_tests_are_looked_at_where_there_are_some(configuration: Path) -> None:
    config = folders.configured(None)
    policy, tests = config.policy_path, configuration.parent / "policy_tests"
    assert folders.rego_folders(config, None) == [policy]
    tests.mkdir()
    assert folders.rego_folders(config, None) == [policy, tests]


def test_tests_that_were_named_have_to_be_there(configuration: Path) -> None:
    config, named = folders.configured(None), configuration.parent / "named"
    with pytest.raises(ConfigError, match="named: expected a folder of policy tests"):
        folders.rego_folders(config, named)
    named.mkdir()
    assert folders.rego_folders(config, named)[1:] == [named]
