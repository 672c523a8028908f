"""The list of entities is what detectors find, and no more."""

from gateway.contract import DETECTED, ENTITIES
from gateway.detect.entities.samples import SAMPLES


def test_every_entity_that_detectors_have_a_sample_of_is_known() -> None:
    assert SAMPLES.keys() | {"PERSON", "LOCATION"} == DETECTED
    assert DETECTED < ENTITIES
