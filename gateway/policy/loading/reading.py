"""Policy as a gateway gets it: read, checked and packed by a child process, so that no request waits."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.source.names import Names
from gateway.policy.source.source import PolicySource
from gateway.policy.source.tables import Tables
from gateway.processes import encode_message, read_message, spawn, stop

_READER = Path(__file__).with_name("reader.py")
_SECONDS = 60.0


async def read_policy(
    path: Path,
    verify_key: Path | None,
    names: Names,
    tables: Path | None = None,
    tables_key: Path | None = None,
) -> PolicySource:
    """Return what `load_policy` does.

    Raises ConfigError as it does, and PolicyUnavailable when the child does not start, ends early or is late.
    """
    task = {
        "path": str(path),
        "verify_key": str(verify_key or ""),
        "names": names,
        "tables": str(tables or ""),
        "tables_key": str(tables_key or ""),
    }
    head, (*modules, data, content, archive) = await _done([json.dumps(task).encode()])
    texts = dict(zip(head["modules"], [body.decode() for body in modules], strict=True))
    issued = datetime.fromisoformat(head["issued_at"]) if head["issued_at"] else None
    found = Tables(head["tables"], content, issued)
    return PolicySource(path, texts, data, head["revision"], archive, found)


async def pack_policy(source: PolicySource, signing_key: Path) -> bytes:
    """Return the source as a bundle that the key in the file has signed. Raises as `read_policy`."""
    task = {"revision": source.revision, "modules": list(source.modules), "signing_key": str(signing_key)}
    texts = [text.encode() for text in source.modules.values()]
    _, bodies = await _done([json.dumps(task).encode(), *texts, source.data_json])
    return bodies[-1]


async def keep_fetched(path: Path, content: bytes, key: Path) -> None:
    """Keep a bundle of tables as the file at `path`, as `keep_tables` does. Raises as `read_policy`."""
    task = {"keep": str(path), "tables_key": str(key)}
    await _done([json.dumps(task).encode(), content])


async def _done(task: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Run one child, and return the head and the bodies of its answer."""
    try:
        process = await spawn(Path(sys.executable), "-P", str(_READER))
    except OSError as error:
        raise PolicyUnavailable(f"the policy cannot be read: {error.strerror}") from error
    try:
        async with asyncio.timeout(_SECONDS):
            answer, _ = await process.communicate(b"".join(map(encode_message, task)))
    except TimeoutError as error:
        raise PolicyUnavailable(f"the policy was not read within {_SECONDS:.0f} s") from error
    finally:
        await stop(process)
    stream = io.BytesIO(answer)
    found = list(iter(lambda: read_message(stream), None))
    if process.returncode or not found:
        raise PolicyUnavailable(f"the policy was not read: the reader ended with {process.returncode}")
    head, *bodies = found
    told = json.loads(head)
    if "error" in told:
        raise ConfigError(told["error"])
    return told, bodies
