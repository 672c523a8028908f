"""What commands open for a moment."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.opened import LateJournal, note_act, note_reading, own_key
from gateway.audit import Record
from gateway.audit.reading import query
from gateway.config import Config, load_config
from gateway.errors import ConfigError, RecordingFailed


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "regate.yaml"
    path.write_text("providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    return load_config(path)


def test_an_act_is_on_record_with_the_local_user(config: Config) -> None:
    """In a chain of the command's own."""
    note_act(config, "key_rotated", **{"from": "a", "to": "b"})
    with query(config.audit_path, "SELECT act, face FROM access") as result:
        assert list(result.rows) == [["key_rotated", "cli"]]


def test_a_copy_without_its_key_is_read_unrecorded(config: Config) -> None:
    """Nothing is made beside it."""
    note_reading(config, "evidence_queried", sql="SELECT 1")
    assert not config.evidence_key_path.exists()
    assert not config.audit_path.exists()


def test_a_journal_that_is_not_needed_is_not_opened(config: Config) -> None:
    """One that cannot be opened fails the record."""
    with ExitStack() as stack:
        journal = LateJournal(config, stack)
        assert not config.audit_path.exists()
        config.audit_path.parent.mkdir(exist_ok=True)
        config.audit_path.touch()
        with pytest.raises(RecordingFailed, match="cannot be written"):
            journal.record_sync(Record("gateway"))


def test_a_key_comes_from_the_environment_or_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without either the command ends."""
    monkeypatch.setenv("REGATE_KEY", " rg_1 ")
    assert own_key() == "rg_1"
    monkeypatch.delenv("REGATE_KEY")
    with pytest.raises(ConfigError, match="set REGATE_KEY"):
        own_key()
