"""The allow-list takes values out of what is found, and nothing else."""

import pytest

from gateway.config import Allow, Detect
from gateway.detect import Detector
from gateway.errors import ConfigError


@pytest.fixture(scope="module")
def allowing() -> Detector:
    """A detector with something of each kind on its list."""
    allow = Allow(values=("+1 415 555 2671",), patterns=(r"AKIA[A-Z0-9]+",), domains=("acme.org",))
    return Detector(Detect(allow=allow))


@pytest.mark.parametrize(
    "text",
    [
        "call +1 415 555 2671",
        "AKIAQYLPMN5HHHFPZAM2",
        "info@acme.org, Info@Mail.ACME.org",
        "aW5mb0BhY21lLm9yZyBhbmQgbW9yZQ==",
    ],
)
def test_what_is_allowed_is_no_finding(allowing: Detector, text: str) -> None:
    assert allowing.inspect(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "call +1 415 555 2672",
        "jane@notacme.org",
        "jane@acme.org.evil.com",
        "postgres://a:s3cr3tpw@db.acme.org/x",
    ],
)
def test_what_only_holds_an_allowed_value_is_a_finding(allowing: Detector, text: str) -> None:
    assert len(allowing.inspect(text)) == 1


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        (Allow(values=(" ",)), r"detect\.allow\.values\[0\]: expected a value"),
        (
            Allow(domains=("@acme",)),
            r"detect\.allow\.domains\[0\]: expected a domain such as .* found '@acme'",
        ),
        (Allow(domains=("org",)), r"detect\.allow\.domains\[0\]"),
        (Allow(patterns=("x", "(")), r"detect\.allow\.patterns\[1\]: '\('"),
        (Allow(patterns=(".*",)), r"detect\.allow\.patterns\[0\].*any value"),
    ],
)
def test_a_list_of_no_use_is_refused(allow: Allow, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Detector(Detect(allow=allow))


def test_an_entity_has_a_threshold_of_its_own() -> None:
    loose = Detector(Detect(thresholds={"PHONE_NUMBER": 0.3}))
    strict = Detector(Detect(thresholds={"PHONE_NUMBER": 0.7}))
    assert [one.entity for one in loose.inspect("4155522671")] == ["PHONE_NUMBER"]
    assert strict.inspect("415-552-2671") == ()
    with pytest.raises(ConfigError, match=r"detect\.thresholds: PHONE: expected entities that exist"):
        Detector(Detect(thresholds={"PHONE": 0.3}))
