"""One inspector for all tests of detection: it takes a second to build."""

import pytest

from gateway.config import Detect
from gateway.detect import Detector


@pytest.fixture(scope="session")
def inspector() -> Detector:
    return Detector(Detect())
