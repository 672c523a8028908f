"""Access tokens of Google Cloud, by the library of Google's: for Vertex.

gcp:/path/key.json   a service account's key
gcp:default          what the machine, the pod or GOOGLE_APPLICATION_CREDENTIALS says
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gateway.upstream.credentials import Fetched

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_LONGEST = 200  # characters of what Google says of a refusal


class GoogleToken:
    """Asks for the tokens of one identity."""

    def __init__(self, where: str) -> None:
        self._where = where

    async def fetch(self, now: float) -> Fetched:
        """Ask for a token. Raises OSError, ValueError."""
        if find_spec("google") is None or find_spec("google.auth") is None:
            raise ValueError("expected the extra `gcp`; run: pip install 'regate[gcp]'")
        return await asyncio.to_thread(self._ask, now)

    def _ask(self, now: float) -> Fetched:
        auth: Any = import_module("google.auth")
        requests: Any = import_module("google.auth.transport.requests")
        try:
            if self._where == "default":
                credentials, _ = auth.default(scopes=_SCOPES)
            else:
                keys: Any = import_module("google.oauth2.service_account")
                credentials = keys.Credentials.from_service_account_file(self._where, scopes=_SCOPES)
            credentials.refresh(requests.Request())
        except (auth.exceptions.GoogleAuthError, ValueError) as error:
            said = "".join(filter(str.isprintable, str(error.args[0] if error.args else "")))
            raise ValueError(f"Google gives no token: {said[:_LONGEST]}") from None
        return Fetched(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp(), now)
