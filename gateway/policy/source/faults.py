"""Faults of policy files, gathered so that one run tells of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import ConfigError


@contextmanager
def noted(faults: list[ConfigError]) -> Iterator[None]:
    """Add the ConfigError that ends the block to the faults."""
    try:
        yield
    except ConfigError as error:
        faults.append(error)
