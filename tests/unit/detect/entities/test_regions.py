"""Groups of regions stand for their members."""

import phonenumbers
import pytest

from gateway.detect.entities.regions import GROUPS, codes
from gateway.errors import ConfigError


def test_a_group_stands_for_its_members_each_once() -> None:
    assert codes(("US", "north_america", "US")) == ("US", "CA")
    assert len(codes(("eu",))) == 27


@pytest.mark.parametrize("group", GROUPS)
def test_libphonenumber_knows_every_member(group: str) -> None:
    assert set(codes((group,))) <= set(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize("name", ["us", "EU", "XX", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"detect\.regions: .*expected ISO 3166 codes .*or eu, europe"):
        codes(("US", name))
