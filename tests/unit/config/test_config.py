"""Paths of the configuration are those of its file, wherever the gateway was started."""

from pathlib import Path

from gateway.config import load_config

MINIMAL = "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"


def load(tmp_path: Path, text: str):
    path = tmp_path / "regate.yaml"
    path.write_text(text)
    return load_config(path)


def test_the_example_in_the_repository_loads():
    config = load_config(Path(__file__).parents[3] / "regate.yaml")
    assert config.host == "127.0.0.1"
    assert config.port == 8700
    assert config.providers["openai"].credential == "env:OPENAI_API_KEY"


def test_relative_paths_are_taken_from_the_file_and_not_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load(tmp_path, MINIMAL)
    assert config.policy_path == tmp_path / "policies/rego"
    assert config.audit_path == tmp_path / "audit"
    assert config.state_path == tmp_path / "state/regate.db"
    assert config.key_path == tmp_path / "state/server.key"


def test_an_absolute_state_path_stays_absolute(tmp_path):
    config = load(tmp_path, MINIMAL + "state: sqlite:////var/lib/regate/regate.db\n")
    assert config.state_path == Path("/var/lib/regate/regate.db")
