"""Check digits: each scheme accepts its own numbers, and none with a changed digit."""

import pytest

from gateway.detect.entities.checksums import CHECKSUMS


@pytest.mark.parametrize(
    ("scheme", "valid"),
    [
        ("luhn", ["4111 1111 1111 1111", "490154203237518", "046 454 286"]),
        ("mod97", ["5493001KJTIIGC8Y1R12", "3214282912345698765432161182"]),
        ("mod11", ["0-306-40615-2", "043942089X", "943 476 5919", "0378-5955"]),
        ("mod11_10", ["86095742719", "33392005961"]),
        ("verhoeff", ["2363", "234123412346"]),
    ],
)
def test_a_checksum_accepts_its_own_and_no_changed_digit(scheme: str, valid: list[str]) -> None:
    for value in valid:
        assert CHECKSUMS[scheme](value)  # type: ignore[index]
        for place, char in enumerate(value):
            if char.isdigit():
                wrong = value[:place] + str((int(char) + 1) % 10) + value[place + 1 :]
                assert not CHECKSUMS[scheme](wrong)  # type: ignore[index]
        assert not CHECKSUMS[scheme]("") and not CHECKSUMS[scheme]("7")  # type: ignore[index]  # noqa: PT018
