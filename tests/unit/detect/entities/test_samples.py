"""A recognizer proves itself at start, and settings that can find nothing are refused."""

import pytest

from gateway.config import Detect
from gateway.detect.entities.samples import SAMPLES, check_samples, check_settings
from gateway.errors import ConfigError
from gateway.words import Match


def test_an_entity_that_is_not_found_in_its_sample_stops_the_start() -> None:
    def all_but_one(text: str) -> list[Match]:
        return [
            Match(name, "pii", 1, 0, 1) for name, said in SAMPLES.items() if said == text and name != "US_SSN"
        ]

    with pytest.raises(ConfigError, match="US_SSN is not found"):
        check_samples(all_but_one, [])
    check_samples(all_but_one, ["US_SSN"])


@pytest.mark.parametrize("settings", [Detect(off=("NO_SUCH",)), Detect(regions=())])
def test_settings_of_no_effect_are_refused(settings: Detect) -> None:
    with pytest.raises(ConfigError):
        check_settings(settings)
