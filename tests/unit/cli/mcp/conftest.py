"""Recorded decisions, and a policy to replay them against."""

from tests.unit.candidate.conftest import candidate, recorder

__all__ = ["candidate", "recorder"]
