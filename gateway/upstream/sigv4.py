"""AWS Signature Version 4: a request is signed with what goes up, under keys that never do.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.upstream.faults import NotSent

_ALGORITHM = "AWS4-HMAC-SHA256"
_FRESH_SECONDS = 1.0
_NOT_QUOTED = "/~"  # the path is quoted a second time: `%3A` of the address is `%253A` here


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Keys of AWS; a session token comes with those that end within hours. No log shows what is secret."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


class Signature:
    """Signs requests to one service in one region. `read` gives the keys, None where one is missing.

    They are read again each second, since keys with a session token are replaced where they are kept.
    """

    def __init__(
        self,
        read: Callable[[], AwsKeys | None],
        region: str,
        service: str,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._region = region
        self._service = service
        self._now = now
        self._keys = read()
        self._read_at = now()

    @property
    def keys(self) -> AwsKeys | None:
        """The keys as they are now; None where one is missing."""
        if self._keys is None or self._now() - self._read_at > _FRESH_SECONDS:
            self._keys, self._read_at = self._read(), self._now()
        return self._keys

    def headers(
        self, method: str, host: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """Return the headers to add to a request, whose own are in lower case.

        `path` and `query` are as they go up. Signed are the host, the content type and what is AWS's own.
        Raises NotSent when a key is missing.
        """
        keys = self.keys
        if keys is None:  # a request without a signature would tell its prompt all the same
            raise NotSent("the provider's keys are not set")
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
        own = {"x-amz-date": at} | (
            {"x-amz-security-token": keys.session_token} if keys.session_token else {}
        )
        signed = {name: text for name, text in headers.items() if _is_signed(name)} | own | {"host": host}
        names = ";".join(sorted(signed))
        lines = [f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)]
        asked = [
            method,
            quote(path or "/", safe=_NOT_QUOTED),
            _sorted(query),
            *lines,
            "",
            names,
            _digest(body),
        ]
        scope = f"{at[:8]}/{self._region}/{self._service}/aws4_request"
        to_sign = "\n".join([_ALGORITHM, at, scope, _digest("\n".join(asked).encode())])
        key = f"AWS4{keys.secret_key}".encode()
        for step in scope.split("/"):
            key = _hmac(key, step)
        said = f"Credential={keys.access_key}/{scope}, SignedHeaders={names}"
        return own | {"authorization": f"{_ALGORITHM} {said}, Signature={_hmac(key, to_sign).hex()}"}


def _is_signed(name: str) -> bool:
    return name == "content-type" or name.startswith("x-amz")


def _sorted(query: str) -> str:
    """Return the parameters in order; one without a value has an empty one."""
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
