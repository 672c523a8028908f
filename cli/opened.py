"""What commands open for a moment: the state, the journal, and the key of the person at the terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import typer

from gateway.audit import Journal, Record, new_writer
from gateway.config import Config
from gateway.errors import ConfigError, RecordingFailed
from gateway.identity import authenticate
from gateway.oversight import Act, Actor, local_user, require
from gateway.state import Keys, State, WriterStore, open_state


@contextmanager
def opened_state(config: Config) -> Iterator[State]:
    """Open the state file for a block. Raises ConfigError and StateUnavailable."""
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
    """Open a chain of this command's own beside the gateway's. Raises ConfigError and RecordingFailed."""
    journal = made_journal(config)
    journal.start()
    try:
        yield journal
    finally:
        journal.close()


class LateJournal:
    """A journal that is opened for its first record: what must happen without one does not wait for it."""

    def __init__(self, config: Config, stack: ExitStack) -> None:
        self._config = config
        self._stack = stack
        self._journal: Journal | None = None

    def record_sync(self, record: Record) -> None:
        """Write a record; it is durable when this returns. Raises RecordingFailed."""
        try:
            self._journal = self._journal or self._stack.enter_context(opened_journal(self._config))
        except ConfigError as error:
            raise RecordingFailed(f"the record cannot be written: {error}") from error
        self._journal.record_sync(record)

    async def record(self, record: Record) -> None:
        """Do the same for callers that await it; a command has nothing else to do meanwhile."""
        self.record_sync(record)


def note_act(config: Config, act: Act, *, by: Actor | None = None, **body: Any) -> None:
    """Record an act, durably: the local user's, unless `by` another. Raises ConfigError, RecordingFailed."""
    with opened_journal(config) as journal:
        journal.record_sync((by or local_user()).record(act, **body))


def acting(config: Config) -> Actor:
    """Return who gives an order: the holder of the admin's key in REGATE_KEY; without one, the local user.

    Raises Unauthenticated, Forbidden and StateUnavailable.
    """
    if not (key := os.environ.get("REGATE_KEY", "").strip()):
        return local_user()
    with opened_state(config) as state:
        row = authenticate(Keys(state), key, time.time())
    require(row, "keys")
    return Actor(row.owner, "cli", row.id)


def note_reading(config: Config, act: Act, **body: Any) -> None:
    """Record that the local user reads the evidence. Raises RecordingFailed: then nothing may be shown.

    A copy of the folder, on a machine without its evidence key, takes no records and is read without one.
    """
    if config.evidence_key_path.exists():
        with ExitStack() as stack:
            LateJournal(config, stack).record_sync(local_user().record(act, **body))


def own_key() -> str:
    """Return the key in REGATE_KEY, or ask for it unseen. Raises ConfigError without a terminal."""
    if key := os.environ.get("REGATE_KEY", "").strip():
        return key
    if not sys.stdin.isatty():
        raise ConfigError("no key: set REGATE_KEY to your key, or run this in a terminal")
    asked: str = typer.prompt("Your key", hide_input=True, err=True)
    return asked.strip()
