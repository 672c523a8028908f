"""How far a reader walks: the files that one streamed, masked request takes them through.

    .venv/bin/python scripts/hops.py            the two numbers, by folder
    .venv/bin/python scripts/hops.py --list     every first call, in the order of the request

The application runs in this process with the demo provider and the embedded policy engine. It gets one
streamed chat request with an email address in it, which the shipped policy masks. Functions of `gateway/` are
noted the first time that this request calls them, also in threads that work for it.

A first call is a **hop** when the caller stands in another file. A hop leads **back** when the file was read,
and left, before. What stands inside another function is read with it, and a property is read like a field:
neither is a call to follow.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

import httpx
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gateway.config import load_config  # noqa: E402 - found only once the path is set
from gateway.http.app import create_app, open_worker  # noqa: E402
from gateway.identity import create_key  # noqa: E402

_SOURCES = str(ROOT / "gateway") + "/"
_PROMPT = "Write to jane.roe@acme.org, please."
_following = contextvars.ContextVar("following", default=False)


@dataclass(slots=True)
class Walk:
    """The first calls of one request: (file of the caller, file, function)."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    _seen: set[CodeType] = field(default_factory=set)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Note a function that starts, unless it is known, or works for no request."""
        code = frame.f_code
        if event != "call" or code in self._seen or not code.co_filename.startswith(_SOURCES):
            return
        if "<" in code.co_qualname or _is_property(frame):
            return
        if _following.get():
            self._seen.add(code)
            file = code.co_filename.removeprefix(_SOURCES)
            self.calls.append((_caller(frame.f_back), file, code.co_qualname))

    @property
    def hops(self) -> list[tuple[str, str]]:
        """The files from and to which a first call leads."""
        return [(caller, file) for caller, file, _ in self.calls if caller != file]

    @property
    def back(self) -> list[tuple[str, str]]:
        """The hops to a file that was read and left before."""
        found, read, at = [], set[str](), ""
        for caller, file, _ in self.calls:
            if caller != file and file in read and file != at:
                found.append((caller, file))
            read.add(file)
            at = file
        return found


def _is_property(frame: FrameType) -> bool:
    made = inspect.getattr_static(type(frame.f_locals.get("self")), frame.f_code.co_name, None)
    return isinstance(made, property)


def _caller(frame: FrameType | None) -> str:
    """Return the file of the gateway that a call comes from; "" when none is on the way."""
    while frame is not None and not frame.f_code.co_filename.startswith(_SOURCES):
        frame = frame.f_back
    return frame.f_code.co_filename.removeprefix(_SOURCES) if frame else ""


async def walk() -> Walk:
    """Send the request through an application of its own, and return the first calls."""
    noted = Walk()
    threading.setprofile(noted.note)  # threads that start from now on, so all that work for the request
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "regate.yaml"
        file.write_text(
            yaml.safe_dump(
                {
                    "providers": {"demo": {"family": "openai", "base_url": "builtin:demo"}},
                    "policy": {"engine": "embedded", "path": str(ROOT / "policies" / "rego")},
                }
            )
        )
        config = load_config(file)
        async with open_worker(config) as worker:
            _, key = create_key(worker.keys, agent="agent", owner="ana", now=time.time())
            transport = httpx.ASGITransport(create_app(config, worker))
            async with httpx.AsyncClient(transport=transport, base_url="http://regate") as http:
                await _ask(http, key, noted)
    return noted


async def _ask(http: httpx.AsyncClient, key: str, noted: Walk) -> None:
    sys.setprofile(noted.note)
    _following.set(True)
    try:
        body = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": _PROMPT}]}
        headers = {"authorization": f"Bearer {key}"}
        answer = await http.post("/demo/v1/chat/completions", json=body, headers=headers)
    finally:
        sys.setprofile(None)
        _following.set(False)
    if answer.headers.get("x-regate-action") != "mask":
        raise SystemExit(f"expected a masked answer: {answer.status_code} {answer.text[:200]}")


def main() -> None:
    """Print the hops and those that lead back, by the folder that they start in."""
    noted = asyncio.run(walk())
    if "--list" in sys.argv:
        print(*(f"{caller or '-':40} {file}:{name}" for caller, file, name in noted.calls), sep="\n")
    by_folder = Counter(caller.rpartition("/")[0] for caller, _ in noted.hops)
    back = Counter(caller.rpartition("/")[0] for caller, _ in noted.back)
    rows = {folder or "-": [count, back[folder]] for folder, count in by_folder.most_common()}
    print(json.dumps({"hops from": rows}, indent=None))
    files = len({file for _, file, _ in noted.calls})
    pairs = len(set(noted.hops))
    print(f"hops: {len(noted.hops)} ({pairs} pairs of files, {files} files), back: {len(noted.back)}")


if __name__ == "__main__":
    main()
