"""The fake provider, as the tests hold it: where it is, and what it received."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.prefork import ROOT
from tests.support.waiting import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Received:
    """A request as the provider got it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    ending: str

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        return json.loads(self.body)

    def everything(self) -> str:
        """All that went up, as one text: target, headers, body, and the body with its escapes undone."""
        lines = [self.target, *(f"{name}: {value}" for name, value in self.headers)]
        text = self.body.decode("utf-8", "replace")
        return "\n".join([*lines, text, text.encode().decode("unicode_escape", "replace")])


class FakeProvider:
    """Owns the process. It ends when this one closes its input, or ends itself."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.provider"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self._http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, trust_env=False)

    def received(self) -> list[Received]:
        return [_received(one) for one in self._http.get("/__control/requests").json()]

    def forget(self) -> None:
        self._http.delete("/__control/requests")

    def only(self) -> Received:
        """The one request that came since `forget`."""
        received = self.received()
        assert len(received) == 1, [one.target for one in received]
        return received[0]

    def await_received(
        self, enough: Callable[[list[Received]], bool], *, seconds: float = PATIENCE_SECONDS
    ) -> list[Received]:
        deadline = time.monotonic() + seconds
        while not enough(received := self.received()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return received

    def close(self) -> None:
        self._http.close()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()


def _received(one: dict[str, Any]) -> Received:
    headers = tuple((name, value) for name, value in one["headers"])
    return Received(one["method"], one["target"], headers, base64.b64decode(one["body"]), one["ending"])
