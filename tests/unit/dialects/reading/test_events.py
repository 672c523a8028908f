"""A stream of whole events ends with its last one, or with an error."""

import pytest

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.events import WholeEvents
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import OtherEvent, json_event
from gateway.words import Completion

DONE = SseEvent("[DONE]")


def reader() -> WholeEvents:
    return WholeEvents(lambda _: Completion(), frozenset({"piece"}), frozenset({"last"}))


def test_an_end_marker_may_follow_the_last_event() -> None:
    one = reader()
    for event in (json_event({"type": "piece"}, "piece"), json_event({"type": "last"}), DONE):
        assert len(one.read(event)) == 1
    assert one.close() == []


def test_an_error_ends_it() -> None:
    one = reader()
    one.read(json_event({"error": {"message": "x"}}))
    assert one.close() == []


@pytest.mark.parametrize(
    "event", [DONE, json_event({"type": 1}), json_event({"type": "piece"}, "last"), SseEvent("[]")]
)
def test_another_event_is_malformed(event: SseEvent) -> None:
    with pytest.raises(Malformed):
        reader().read(event)


def test_an_event_of_another_type_passes_as_unknown() -> None:
    (item,) = reader().read(json_event({"type": "odd"}))
    assert isinstance(item, OtherEvent)
    assert item.unknown == ("odd",)


def test_half_a_stream_is_malformed() -> None:
    one = reader()
    one.read(json_event({"type": "piece"}))
    with pytest.raises(Malformed):
        one.close()
