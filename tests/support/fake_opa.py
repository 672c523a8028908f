"""A fake `opa`: healthy, but its decisions go wrong in the way that a file names.

Run as the gateway runs OPA: `fake_opa.py MODE_FILE run --server --addr=unix://… …`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

_LATE_SECONDS = 30
_VERSION = "99.0.0"


def answer(mode: str, revision: str) -> bytes | None:
    """The whole HTTP response to a question; None hangs up."""
    if mode == "hang up":
        return None
    told: dict[str, Any] = {"version": _VERSION, "bundles": {"policy": {"revision": revision}}}
    decision: dict[str, object] = {"action": "allow"}
    odd = {
        "nonsense": (200, b"<html>it works</html>"),
        "nothing": (200, b""),
        "a list": (200, b"[]"),
        "undefined": (200, json.dumps({"provenance": told}).encode()),
        "no provenance": (200, json.dumps({"result": decision}).encode()),
        "an error": (
            500,
            json.dumps({"code": "internal_error", "errors": [{"code": "eval_error"}]}).encode(),
        ),
        "not found": (404, b"{}"),
        "too much": (200, b'{"result": "' + b"x" * 5_000_000 + b'"}'),
    }
    if mode in odd:
        return _http(*odd[mode])
    if mode == "an old version":
        told["version"] = "1.21.1"
    if mode == "no version":
        del told["version"]
    if mode == "another revision":
        told["bundles"]["policy"]["revision"] = "of-yesterday"
    results = {
        "misspelt": {"action": "dney"},
        "unknown key": {"action": "allow", "comment": "x"},
        "mask without list": {"action": "mask"},
        "a string": "allow",
        "null": None,
        "true": True,
    }
    result = {"decision": results.get(mode, decision), "tables": {}}
    return _http(200, json.dumps({"provenance": told, "result": result}).encode())


async def main(mode_file: Path, revision: str, arguments: list[str]) -> None:
    socket = next(text.removeprefix("--addr=unix://") for text in arguments if text.startswith("--addr="))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().lower().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
            await reader.readexactly(length)
            if lines[0].startswith("put"):  # of the tables, in chunks
                await reader.readuntil(b"0\r\n\r\n")
            mode = "well" if lines[0].startswith(("get", "put")) else _read(mode_file)
            if mode == "late":
                await asyncio.sleep(_LATE_SECONDS)
            response = answer(mode, revision)
            if response is None:
                break
            writer.write(response)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, socket)
    await server.serve_forever()


def _read(path: Path) -> str:
    return path.read_text()


def _http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


if __name__ == "__main__" and sys.argv[2] == "version":
    print(f"Version: {_VERSION}")
elif __name__ == "__main__" and sys.argv[2] in ("capabilities", "check"):
    print('{"builtins": []}')
elif __name__ == "__main__":
    manifest = json.loads(_read(Path("policy/.manifest")))
    asyncio.run(main(Path(sys.argv[1]), manifest["revision"], sys.argv[2:]))
