"""Timestamps: an authority outside says when a root was there (RFC 3161), so that none can be dated back.

A signed root goes to the authority once an hour, by its hash only. Each answer that holds is a line of
`timestamps.ndjson`: the root's size, and the answer in base64, as `openssl ts -verify` reads it. It happens
off the data path, is bounded in time, and a failure stops nothing: a later root makes good for it.
"""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.sealing.anchor import append, post
from gateway.config import TimestampAuthority
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


_CERTIFICATES = b"\xa0"  # the tag of that member
_EVERY = timedelta(hours=1)
_log = logging.getLogger("regate.audit")


class Timestamps:
    """The configured authority; with none, nothing is done. Raises ConfigError when it cannot be used."""

    def __init__(self, authority: TimestampAuthority | None, folder: Folder) -> None:
        self._authority = authority
        self._folder = folder
        self._failure = ""
        self._trusted = load_authorities(Path(authority.ca)) if authority else []

    def well(self) -> bool:
        """Return whether the last attempt went well, or none was made."""
        return not self._failure

    def put(self, root: bytes) -> None:
        """Have a signed root (a line) stamped when that is due. Never raises: a later one will be."""
        if self._authority is None or not self._is_due():
            return
        try:
            answer = self._ask(self._authority, root.rstrip(b"\n"))
            said = {"size": orjson.loads(root)["size"], "answer": b64encode(answer).decode()}
            self._append(orjson.dumps(said) + b"\n")
            self._failure = ""
        except (OSError, ValueError) as error:
            if self._failure != str(error):
                _log.error("the signed root could not be stamped: %s", error)
            self._failure = str(error)

    def _append(self, line: bytes) -> None:
        disk, path = self._folder.disk, self._folder.timestamps
        with signed_log.locked(path, disk):  # which cuts off a line that a crash left torn
            append(disk, path, line)

    def _is_due(self) -> bool:
        try:
            found = self._folder.timestamps.stat()
        except FileNotFoundError:
            return True
        last = datetime.fromtimestamp(found.st_mtime if found.st_size else 0, UTC)
        return datetime.now(UTC) - last >= _EVERY

    def _ask(self, authority: TimestampAuthority, root: bytes) -> bytes:
        """Return the authority's answer about a root. Raises OSError and ValueError unless it holds."""
        from rfc3161_client import TimestampRequestBuilder  # only where it is used: it takes long

        asked = TimestampRequestBuilder().data(root).build()
        answer = post(authority.url, asked.as_bytes(), "application/timestamp-query", authority.token)
        stamped_at(answer, root, self._trusted, nonce=asked.nonce)
        return answer


def load_authorities(path: Path) -> list[Certificate]:
    """Return the certificates that timestamps are trusted by. Raises ConfigError."""
    from cryptography.x509 import load_pem_x509_certificates  # it takes long, and few ask for it

    try:
        import rfc3161_client  # noqa: F401 - whether it is there
    except ImportError as error:
        raise ConfigError("timestamps need an extra: pip install 'regate[timestamps]'") from error
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected certificates in PEM: {error}") from error


def stamped_at(
    answer: bytes, root: bytes, trusted: Sequence[Certificate], *, nonce: int | None = None
) -> datetime:
    """Return when a trusted authority saw the root, by its answer. Raises ValueError unless it says so."""
    from rfc3161_client import VerifierBuilder, decode_timestamp_response

    own = [one for one in trusted if one.subject == one.issuer]
    between = [one for one in trusted if one.subject != one.issuer]
    try:
        said = decode_timestamp_response(_in_order(answer))
        VerifierBuilder(roots=own, intermediates=between, nonce=nonce).build().verify_message(said, root)
    except Exception as error:
        raise ValueError(f"the timestamp does not hold: {error}") from error
    return said.tst_info.gen_time


def _in_order(answer: bytes) -> bytes:
    """Return the answer with its certificates sorted: DER has them so, the library insists, OpenSSL does not.

    No signature covers their order. Raises ValueError where the answer is not DER.
    """
    _, *token = _members(answer)  # behind the status; none of a refusal
    if not token:
        return answer
    signed = _members(_members(token[0])[1])[0]
    for part in _members(signed)[3:4]:  # behind version, algorithms and content
        if part.startswith(_CERTIFICATES):
            found = _members(part)
            return answer.replace(b"".join(found), b"".join(sorted(found)), 1)
    return answer


def _members(data: bytes) -> list[bytes]:
    """Return what a constructed value of DER holds, each with its tag and length. Raises ValueError."""
    start, end = _inside(data, 0)
    found = []
    while start < end:
        _, behind = _inside(data, start)
        found.append(data[start:behind])
        start = behind
    return found


def _inside(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the value at a place begins and ends. Raises ValueError."""
    first = data[at + 1] if at + 1 < len(data) else 0
    digits = first - 128 if first > 128 else 0
    start = at + 2 + digits
    end = start + (int.from_bytes(data[at + 2 : start], "big") if digits else first)
    if not data or digits > 4 or first == 128 or end > len(data):
        raise ValueError("expected an answer in DER")
    return start, end


def check_timestamps(
    folder: Folder, roots: Mapping[int, bytes], trusted: Sequence[Certificate]
) -> tuple[list[datetime], list[tuple[str, int]]]:
    """Return the times of the timestamps that hold for roots of the log, and why others do not, by line."""
    times, broken = [], []
    for number, line in enumerate(signed_log.lines(folder.timestamps), start=1):
        try:
            said = orjson.loads(line)
            if (root := roots.get(said["size"])) is None:
                raise ValueError(f"a root over {said['size']} lines was stamped, and the log has none")
            times.append(stamped_at(b64decode(said["answer"], validate=True), root, trusted))
        except (ValueError, KeyError, TypeError) as error:
            broken.append((str(error), number))
    return times, broken
