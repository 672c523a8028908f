"""What commands open for a moment: the state, the journal, and the key of whoever types."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from gateway.audit import Journal, new_writer
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.state import State, WriterStore, open_state


@contextmanager
def opened_state(config: Config) -> Iterator[State]:
    """The state file, closed again at the end. Raises ConfigError and StateUnavailable."""
    state = open_state(config.state_path)
    try:
        yield state
    finally:
        state.close()


def made_journal(config: Config) -> Journal:
    """Return a chain of this command's own beside the gateway's, not started yet."""

    def remember(writer: str) -> None:
        with opened_state(config) as state:
            WriterStore(state).remember(writer)

    return Journal(config.audit_path, new_writer(), key=config.evidence_key_path, remember=remember)


@contextmanager
def opened_journal(config: Config) -> Iterator[Journal]:
    """A chain of this command's own beside the gateway's. Raises ConfigError and RecordingFailed."""
    journal = made_journal(config)
    journal.start()
    try:
        yield journal
    finally:
        journal.close()


def own_key() -> str:
    """The key in REGATE_KEY, else asked for without showing it. ConfigError where nobody can be asked."""
    if key := os.environ.get("REGATE_KEY", "").strip():
        return key
    if not sys.stdin.isatty():
        raise ConfigError("no key: set REGATE_KEY to your key, or run this in a terminal")
    asked: str = typer.prompt("Your key", hide_input=True, err=True)
    return asked.strip()
