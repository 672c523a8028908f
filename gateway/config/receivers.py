"""Where evidence is shipped to, as `audit.receivers` of `regate.yaml` says it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from gateway.config.providers import KEY_HEADER, REFERENCE

LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_URL = re.compile(
    r"(?:(?P<plain>(?:(?:otlp|kafka)\+)?http|syslog\+tcp)|(?:(?:otlp|kafka)\+)?https|syslog\+tls)"
    r"://(?P<host>\[[0-9a-fA-F:]+\]|[^/?#@:\s\[\]]+)(?::[1-9]\d{0,4})?(?:/[^?#\s]*)?|syslog\+unix:/[^?#\s]+"
)
_URLS = (
    "https://HOST/PATH, otlp+https://HOST, kafka+https://HOST/topics/TOPIC, syslog+tls://HOST, "
    "or syslog+unix:/PATH, without a query"
)

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class AuditReceiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where evidence is shipped to as it is recorded. `credential` is a reference, never a value.

    It goes up as `Authorization: Bearer …`, or as it is in `credential_header`. `ca` is a file of
    certificates to trust, not the system's; `certificate` is one with our own and its key. Of a record over
    `message_bytes` the body stays behind.
    """

    name: Name
    url: str
    format: Literal["ocsf", "records"] = "ocsf"
    credential: str = ""
    credential_header: Annotated[str, msgspec.Meta(pattern=KEY_HEADER)] = ""
    ca: str = ""
    certificate: str = ""
    message_bytes: Annotated[int, msgspec.Meta(ge=10_000)] = 1_000_000
    ends_tls: bool = True  # false: the end of a syslog connection may be anyone's on the way

    def __post_init__(self) -> None:
        found = _URL.fullmatch(self.url)
        if not found:
            raise ValueError(f"{self.name}: url: expected {_URLS}")
        if found["plain"] and found["host"] not in LOOPBACK:
            raise ValueError(f"{self.name}: url: expected TLS, or an address on this machine's loopback")
        if self.credential and not REFERENCE.fullmatch(self.credential):
            # the text may be the secret itself, so it is not repeated
            raise ValueError(f"{self.name}: credential: expected a reference, env:NAME or file:/path")
        if self.credential and self.url.startswith("syslog"):
            raise ValueError(
                f"{self.name}: credential: syslog takes none; expected a certificate, or neither"
            )
