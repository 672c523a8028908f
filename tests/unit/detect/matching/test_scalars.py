"""The typed values of API requests are no weak findings."""

import pytest

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.matching.scalars import is_scalar


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("seed", "4155522671", True),
        ("maximum", "4294967295", True),
        ("temperature", "-0.25", True),
        ("id", "chatcmpl-4155522671", True),
        ("tool_call_id", "call_9f8e7d6c5b4a3210", True),
        ("default", "call 415-552-2671", False),
        ("id", "415-552-2671", False),
        ("phone", "4155522671", False),
    ],
)
def test_a_scalar_is_a_number_or_an_id_under_its_key(key: str, text: str, expected: bool) -> None:
    assert is_scalar(key, text) is expected


def test_only_sure_values_are_found_in_a_scalar() -> None:
    weak = Detector(Detect(threshold=0.1))
    assert weak.inspect("4155522671", key="seed") == ()
    assert weak.inspect("4155522671", key="reply") != ()
    assert [one.entity for one in weak.inspect("4111111111111111", key="const")] == ["CREDIT_CARD"]
