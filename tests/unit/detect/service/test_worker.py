"""The inspecting process: settings first, then texts, and never a text in an answer."""

import io

import msgspec

from gateway.config import Detect
from gateway.detect.service.worker import Found, WorkerStart, encoded, serve
from gateway.processes import encode_message, read_message


def test_it_answers_each_list_with_the_matches_of_each_text() -> None:
    texts = ["mail jane@example.com", "nothing", "half \ud83d"]
    asked = msgspec.msgpack.encode([(encoded(""), encoded(text)) for text in texts])
    start = msgspec.msgpack.encode(WorkerStart(Detect(), 10, "values"))
    answers = io.BytesIO()
    serve(io.BytesIO(encode_message(start) + encode_message(asked)), answers)
    answers.seek(0)
    assert read_message(answers) == b""
    found = msgspec.msgpack.decode(read_message(answers) or b"", type=Found)
    assert found is not None
    assert [[one.entity for one in matches] for matches in found] == [["EMAIL_ADDRESS"], [], []]
    assert b"jane" not in answers.getvalue()


def test_it_ends_when_nothing_is_asked() -> None:
    answers = io.BytesIO()
    serve(io.BytesIO(), answers)
    assert answers.getvalue() == b""
