"""An OPA that runs elsewhere and pulls its policy, here from a plain web server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from gateway.processes import running
from tests.support.pulling_opa import PullingOpa
from tests.support.waiting import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Pulling:
    """The OPA, the key whose bundles it takes, and the file that it pulls."""

    opa: PullingOpa
    key: SigningKey
    bundle: Path

    def serve(self, content: bytes) -> None:
        """Let the OPA pull this from now on."""
        draft = self.bundle.with_suffix(".draft")
        draft.write_bytes(content)
        os.replace(draft, self.bundle)


@pytest.fixture
def pulling(opa: Path, tmp_path: Path) -> Iterator[Pulling]:
    """An OPA that has been started, over TLS; there is no bundle yet."""
    key, public = create_signing_key(tmp_path / "policy.key", "ES256")
    bundle = tmp_path / "served" / "bundles" / "active.tar.gz"
    bundle.parent.mkdir(parents=True)
    command = ("-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", tmp_path / "served")
    with running(Path(sys.executable), *command) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split(b" port ")[1].split()[0])
        found = PullingOpa(tmp_path / "opa", f"http://127.0.0.1:{port}", "key", public, "active", tls=True)
        found.certify()
        found.start()
        yield Pulling(found, key, bundle)
        found.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds. Raises TimeoutError when it does not come to hold."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.05)
