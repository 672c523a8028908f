"""The program that reads policy for a gateway, and packs it, in a process of its own.

In a gateway's process the parser would hold the interpreter's lock, and with it every request. The first
frame in is a task: `{"path", "verify_key", "names", "tables", "tables_key"}` to read, `{"revision",
"modules", "signing_key"}` to pack, which the texts of the modules and the data follow, or `{"keep",
"tables_key"}` with a bundle of tables to keep as that file. The first frame out is `{"revision", "modules",
"tables", "issued_at"}` or `{"error"}`. After a task to read come the texts, the data, the tables and the
archive; after one to pack, the archive.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import ConfigError
from gateway.policy.loading.origin import load_policy
from gateway.policy.source.source import PolicySource
from gateway.processes import read_message, write_message

_MOST_BYTES = 128 * 1024 * 1024  # of all files together; the gateway holds them in memory


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Do the one task."""
    task = json.loads(read_message(requests) or b"{}")
    try:
        found = _done(task, requests)
    except ConfigError as error:
        found = [json.dumps({"error": str(error)}).encode()]
    for body in found:
        write_message(answers, body)


def _done(task: dict[str, Any], requests: BinaryIO) -> list[bytes]:
    if "signing_key" in task:
        return _pack(task, requests)
    if "keep" in task:
        from gateway.policy.loading.keeping import keep_tables  # here: reading a folder needs no signatures

        keep_tables(Path(task["keep"]), read_message(requests) or b"", Path(task["tables_key"]))
        return [b"{}"]
    return _read(task)


def _read(task: dict[str, Any]) -> list[bytes]:
    key, tables, tables_key = (
        Path(task[name]) if task[name] else None for name in ("verify_key", "tables", "tables_key")
    )
    source = load_policy(Path(task["path"]), key, task["names"], tables, tables_key)
    revisions, issued = dict(source.tables.revisions), source.tables.issued_at
    head = {
        "revision": source.revision,
        "modules": list(source.modules),
        "tables": revisions,
        "issued_at": issued.isoformat() if issued else "",
    }
    texts = [text.encode() for text in source.modules.values()]
    bodies = [*texts, source.data_json, source.tables.content, source.archive]
    if sum(map(len, bodies)) > _MOST_BYTES:
        raise ConfigError(f"{source.root}: expected at most {_MOST_BYTES} bytes of policy and data")
    return [json.dumps(head).encode(), *bodies]


def _pack(task: dict[str, Any], requests: BinaryIO) -> list[bytes]:
    from gateway.policy.bundle.bundle import build_bundle  # here: reading needs no signatures
    from gateway.policy.bundle.signing_keys import load_signing_key

    texts = {name: (read_message(requests) or b"").decode() for name in task["modules"]}
    source = PolicySource(Path(), texts, read_message(requests) or b"{}", task["revision"])
    return [b"{}", build_bundle(source, load_signing_key(Path(task["signing_key"])))]


if __name__ == "__main__":
    os.nice(5)  # requests come first on a busy machine
    gc.disable()  # nothing that a load makes is garbage before it ends, and looking for some doubles its time
    serve(sys.stdin.buffer, sys.stdout.buffer)
