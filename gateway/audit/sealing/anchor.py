"""Anchoring: each signed root goes to a place that is the auditor's, so that a rolled-back folder shows.

`file:/path` appends the line, `https://…` posts it, with a bearer token that a reference names. It happens
off the data path and is bounded in time. A failure stops nothing: it is logged, counted as a metric, and
shown by `regate doctor`.
"""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from gateway.audit.files.disk import Disk
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.config import resolve_reference

_SECONDS = 10

_log = logging.getLogger("regate.audit")


@dataclass(frozen=True, slots=True)
class Anchored:
    """The last attempt; `failure` is empty when it went well."""

    at: str
    failure: str = ""


class Anchor:
    """One place of the auditor's; the empty string for none."""

    def __init__(self, place: str, folder: Folder, token: str = "") -> None:
        self._place = place
        self._token = token
        self._folder = folder
        self._failure = ""

    def well(self) -> bool:
        """Return whether the last attempt of any process went well, or none was made."""
        last = last_anchored(self._folder) if self._place else None
        return last is None or not last.failure

    def put(self, root: bytes) -> None:
        """Hand over a signed root (a line). Never raises: a later root makes good for it."""
        if not self._place:
            return
        try:
            if self._place.startswith("file:"):
                append(self._folder.disk, Path(self._place.removeprefix("file:")), root)
            else:
                post(self._place, root, "application/json", self._token)
            self._tell("")
        except OSError as error:
            self._tell(str(error))

    def _tell(self, failure: str) -> None:
        if failure and failure != self._failure:
            _log.error("the signed root could not be anchored: %s", failure)
        elif self._failure and not failure:
            _log.warning("signed roots are anchored again")
        self._failure = failure
        try:
            path, last = self._folder.anchored, Anchored(stamp(datetime.now(UTC)), failure)
            self._folder.disk.replace(path, orjson.dumps(asdict(last)), path.with_suffix(".aside"), 0o644)
        except OSError as error:
            _log.error("what became of the anchor could not be noted: %s", error)


def append(disk: Disk, path: Path, line: bytes) -> None:
    """Add a line to a file, durably. Raises OSError."""
    descriptor = disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        disk.write(descriptor, line)
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def post(url: str, content: bytes, media_type: str, token: str) -> bytes:
    """Post with the token that a reference names, and return the answer. Raises OSError."""
    import httpx  # only where it is used: commands that record start faster without

    try:
        answer = httpx.post(
            url,
            content=content,
            headers={"content-type": media_type, **bearer(token)},
            timeout=_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise OSError(f"{url}: {error or type(error).__name__}") from error
    if not answer.is_success:
        raise OSError(f"{url}: it answered {answer.status_code}")
    return answer.content


def bearer(reference: str) -> dict[str, str]:
    """Return the header with the token that a reference names, read anew each time. Raises OSError."""
    if not reference:
        return {}
    if not (token := resolve_reference(reference)):
        raise OSError(f"{reference} is not set")
    if not (token.isascii() and token.isprintable()):  # an error would repeat it
        raise OSError(f"{reference} is no printable text of one line")
    return {"authorization": f"Bearer {token}"}


def last_anchored(folder: Folder) -> Anchored | None:
    """Return the last attempt of any process; None when there was none."""
    try:
        return Anchored(**orjson.loads(folder.anchored.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
