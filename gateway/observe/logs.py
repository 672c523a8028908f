"""Structured logs: one JSON object a line on stderr, with the exchange's id and never its content."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """A line with time, level, logger, message, and the fields of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            # the frames without the message, which may quote what it stumbled over
            line["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
        text = json.dumps({name: value for name, value in line.items() if value != ""}, default=str)
        return text.replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is


def configure(level: str = "info") -> None:
    """Send every log line to stderr as JSON. Libraries log nothing below `info`: they may quote content."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    wanted = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(wanted, logging.INFO), handlers=[handler], force=True)
    for own in ("regate", "gateway"):
        logging.getLogger(own).setLevel(wanted)
    for noisy in ("presidio-analyzer", "uvicorn.access", "asyncio", "python_multipart"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
