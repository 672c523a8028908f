"""Batches for a topic of Kafka's, through a REST proxy of version 2, as Confluent and Redpanda have.

Keys and values are binary, so that consumers get the record's own bytes: a proxy would write JSON anew. The
key is the writer, whose records so stay in order in one partition.
https://docs.confluent.io/platform/current/kafka-rest/api.html#post--topics-(string-topic_name)
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from gateway.audit.shipping.http import Encoding
from gateway.audit.shipping.messages import Message
from gateway.audit.shipping.receiver import NotTaken


class _Written(msgspec.Struct):
    offsets: list[dict[str, Any]]


def _records(messages: Sequence[Message]) -> bytes:
    return orjson.dumps(
        {
            "records": [
                {
                    "key": b64encode(message.writer.encode()).decode(),
                    "value": b64encode(message.body).decode(),
                }
                for message in messages
            ]
        }
    )


def _check(answer: bytes, count: int) -> None:
    """Raise NotTaken unless each record has an offset: the proxy says 200 where some were not written."""
    try:
        offsets = msgspec.json.decode(answer, type=_Written).offsets
    except msgspec.MsgspecError as error:
        raise NotTaken(f"its answer is not one of a REST proxy of Kafka's: {error}") from error
    failed = [one.get("error") or "no offset" for one in offsets if not isinstance(one.get("offset"), int)]
    if failed or len(offsets) != count:
        raise NotTaken(f"{count} records: {len(offsets) - len(failed)} were written; {', '.join(failed[:1])}")


KAFKA = Encoding(
    {
        "content-type": "application/vnd.kafka.binary.v2+json",
        "accept": "application/vnd.kafka.v2+json",
    },
    _records,
    _check,
)
