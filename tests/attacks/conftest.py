"""Attacks meet the same gateways and the same provider as the end-to-end tests."""

from tests.e2e.conftest import http, launch, provider, running_provider, scripted, words

__all__ = ["http", "launch", "provider", "running_provider", "scripted", "words"]
