"""Records through a REST proxy of Kafka's, which says yes for each of them."""

from __future__ import annotations

from base64 import b64decode

import orjson
import pytest

from tests.unit.audit.conftest import Evidence
from tests.unit.audit.shipping.conftest import Inbox, Ship

_OFFSET = {"partition": 0, "offset": 7, "error_code": None, "error": None}


def test_a_record_keeps_its_bytes_and_its_writers_order(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    evidence.record(1)
    inbox.answer = orjson.dumps({"offsets": [_OFFSET], "key_schema_id": None})
    assert shipping(inbox.url("/topics/evidence", "kafka+http")).attempt() == [True]
    (got,) = inbox.got
    assert got.path == "/topics/evidence"
    assert got.headers["content-type"] == "application/vnd.kafka.binary.v2+json"
    (record,) = orjson.loads(got.body)["records"]
    assert b64decode(record["value"]) == evidence.live().read_bytes().splitlines()[0]
    assert b64decode(record["key"]).decode() == evidence.live().stem.partition("-")[0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"offsets": [{**_OFFSET, "offset": None, "error_code": 1, "error": "no leader"}]}, "no leader"),
        ({"offsets": []}, "0 were written"),
        ({"error_code": 40401, "message": "Topic not found."}, "not one of a REST proxy"),
    ],
)
def test_a_yes_that_is_not_for_every_record_is_a_no(
    evidence: Evidence, inbox: Inbox, shipping: Ship, answer: dict[str, object], told: str
) -> None:
    evidence.record(1)
    inbox.answer = orjson.dumps(answer)
    made = shipping(inbox.url("/topics/evidence", "kafka+http"))
    assert made.attempt() == [False]
    assert told in made.standing.state.failure
    assert made.standing.behind == 1
