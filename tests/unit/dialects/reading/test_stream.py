"""Events of streams."""

import json

from gateway.dialects.reading.stream import json_event


def test_an_event_carries_its_document_and_name() -> None:
    event = json_event({"a": "é"}, "delta")
    assert (json.loads(event.data), event.event) == ({"a": "é"}, "delta")
