"""A log line is one JSON object."""

import json
import logging
import sys

import pytest

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.form import FormBody
from gateway.observe.logs import JsonFormatter, configure


def line(**fields):
    record = logging.LogRecord("regate.x", logging.WARNING, "f", 1, "it %s", ("broke",), None)
    vars(record).update(fields)
    return json.loads(JsonFormatter().format(record))


def test_a_line_names_time_level_logger_message_and_extras():
    written = line(exchange_id="ex_1")
    assert written["level"] == "warning"
    assert written["logger"] == "regate.x"
    assert written["message"] == "it broke"
    assert written["exchange_id"] == "ex_1"
    assert written["time"].endswith("+00:00")


def test_an_exception_is_one_field_with_its_frames_and_without_what_it_says():
    stumbled_over = "jane.roe@acme.org"
    try:
        raise ValueError(f"no such address: {stumbled_over}")
    except ValueError:
        written = line(exc_info=sys.exc_info())
    assert written["error"] == "ValueError"
    assert "test_logs.py" in written["trace"]
    assert "in test_an_exception_is_one_field" in written["trace"]
    assert stumbled_over not in json.dumps(written)


def test_a_form_that_cannot_be_read_writes_no_line_of_a_library(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # the handlers of pytest stay
    configure()
    with pytest.raises(Malformed):
        FormBody(b"--b\r\nn\xc3: x\r\n\r\nv\r\n--b--", "multipart/form-data; boundary=b")
    assert not caplog.records
