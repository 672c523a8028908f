"""The command line beside an audit folder."""

from __future__ import annotations

from tests.unit.cli.audit.conftest import evidence, regate

__all__ = ["evidence", "regate"]
