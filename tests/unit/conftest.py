"""What unit tests of several packages need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.policy import find_opa


@pytest.fixture(scope="session")
def opa() -> Path:
    """The real OPA. Skips without one, unless REGATE_REQUIRE_OPA=1 says that there must be one."""
    found = find_opa()
    if found is None and os.environ.get("REGATE_REQUIRE_OPA") == "1":
        pytest.fail("REGATE_REQUIRE_OPA=1, but there is no opa: run scripts/install-opa")
    if found is None:
        pytest.skip("no opa on this machine: the sidecar is not tested")
    return found
