"""Attacks meet the same gateways and the same provider as the end-to-end tests."""

from tests.e2e.conftest import http, launch, provider, running_provider, scripted, words
from tests.support.spoken import spoken

__all__ = ["http", "launch", "provider", "running_provider", "scripted", "spoken", "words"]
