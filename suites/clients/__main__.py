"""`make clients`: each client of the table at its task, through a gateway with the shipped policy.

CLIENTS="Codex|aider" runs some, and leaves the page as it is.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import __version__
from gateway.dialects import dialect_of
from suites.clients.install import install
from suites.clients.table import CLIENTS, GATEWAY, KEY, TASK, Client
from suites.gateway import ROOT, Gateway, free_port, process, running

_PAGE = ROOT / "docs/reference/clients.md"
_SECONDS = 240
_ADDRESS, _NUMBER = "jane.roe@acme.org", "+1 415-555-2671"
# In two pieces, lest a scanner takes it for real.
_TOKEN = "ghp_" + "1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZa"
_VALUES = {"address": _ADDRESS, "number": _NUMBER, "token": _TOKEN}
_TASK = (
    f"Reach Jane Roe at {_ADDRESS}, or on {_NUMBER}; her token is {_TOKEN} for now. "
    "Write the address and the number into note.txt with a tool, then tell me what you noted."
)
_FAMILIES = {
    **{name: name for name in ("openai", "anthropic", "gemini", "bedrock", "ollama")},
    "azure": "openai",
}
_HEAD = """# Clients: what was seen behind the gateway

`make clients` installs the newest version of each client, unmodified, runs it before a gateway with the
shipped policy and a scripted provider on the same machine, and writes this page. The task is streamed and
calls a tool; its prompt holds an e-mail address, a phone number and an access token. Seen for each client:

- **hidden**: none of the three values is in anything that reached the provider: path, headers, bodies;
- **streamed**: the client asked for a stream, and got it in pieces of five characters;
- **tool**: the tool of the client was called with the real address and number;
- **restored**: the client's last words, after the tool's result went back, hold the real values;
- **finished**: the client ended without an error.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client did."""

    version: str
    dialects: tuple[str, ...]
    checks: Mapping[str, bool]
    said: str

    @property
    def well(self) -> bool:
        return bool(self.checks) and all(self.checks.values())


def main() -> int:
    """Run the clients, print the table, renew the page; 0 when each that could be installed works."""
    names = set(filter(None, os.environ.get("CLIENTS", "").split("|")))
    chosen = [client for client in CLIENTS if not names or client.name in names]
    rows, failed = [], False
    with (
        tempfile.TemporaryDirectory(prefix="regate-clients-") as folder,
        _servers(Path(folder, "log")) as gateway,
    ):
        for client in chosen:
            row, well = _row(client, gateway, Path(folder, "log"))
            print(row, flush=True)
            rows.append(row)
            failed |= not well
    if not names:
        _PAGE.write_text(_page(rows))
    return int(failed)


@contextmanager
def _servers(log: Path) -> Iterator[Gateway]:
    with ExitStack() as stack:
        provider, office = free_port(), free_port()
        for module, port in (("provider", provider), ("mcp_server", office)):
            command = [sys.executable, "-m", f"suites.clients.{module}", str(port), str(log)]
            stack.enter_context(process(command, port, cwd=ROOT))
        providers = {
            name: (family, f"http://127.0.0.1:{provider}/{name}") for name, family in _FAMILIES.items()
        }
        providers["office"] = ("mcp", f"http://127.0.0.1:{office}")
        yield stack.enter_context(running(providers))


def _row(client: Client, gateway: Gateway, log: Path) -> tuple[str, bool]:
    log.write_text("")
    try:
        version, programs, scripts = install(client)
    except (subprocess.CalledProcessError, OSError) as error:
        why = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        return f"| {client.name} | | | not installed: {why} |", True
    seen = _run(client, version, gateway, programs, scripts, log)
    if not seen.well:
        print(seen.said, file=sys.stderr)
    found = ", ".join(name if well else f"**not {name}**" for name, well in seen.checks.items())
    dialects = ", ".join(f"`{one}`" for one in seen.dialects)
    how = f"; {client.how}" if client.how else ""
    return (
        f"| {client.name} | `{client.packages[0].partition('[')[0]}` {version} | {dialects} | {found}{how} |",
        seen.well,
    )


def _run(client: Client, version: str, gateway: Gateway, programs: Path, scripts: Path, log: Path) -> Seen:
    with tempfile.TemporaryDirectory(prefix="regate-client-") as home:
        put = {GATEWAY: gateway.url, KEY: gateway.key, TASK: _TASK}
        for path, text in client.files.items():
            file = Path(home, path)
            file.parent.mkdir(exist_ok=True)
            file.write_text(_put(text, put))
        given = {name: _put(text, put) for name, text in client.env.items()}
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": home,
            "LANG": "C.UTF-8",
            "DO_NOT_TRACK": "1",
            "NO_PROXY": "127.0.0.1",
            "GATEWAY": gateway.url,
            "KEY": gateway.key,
            "TASK": _TASK,
            **given,
        }
        try:
            ran = subprocess.run(
                _command(client, programs, scripts, put), cwd=home, env=env, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=_SECONDS,
            )  # fmt: skip
            ended, said, beside = ran.returncode == 0, ran.stdout, ran.stderr
        except subprocess.TimeoutExpired as late:
            ended, said, beside = False, str(late.stdout), f"{late.stderr} not done after {_SECONDS} s"
        noted = Path(home, "note.txt")
        wrote = noted.exists() and f"{_ADDRESS} {_NUMBER}" in noted.read_text()
    requests = [json.loads(line) for line in log.read_text().splitlines()]
    told = "\n".join(
        text for one in requests for text in (json.dumps(one), one["body"], _unescaped(one["body"]))
    )
    checks = {
        "hidden": bool(requests) and not any(value in told for value in _VALUES.values()),
        **({"streamed": any(map(_asks_to_stream, requests))} if client.streams else {}),
        "tool": wrote,
        "restored": all(_VALUES[name] in " ".join(said.split()) for name in client.says),
        "finished": ended,
    }
    return Seen(
        version, tuple(dict.fromkeys(map(_dialect, requests))), checks, f"{said}\n{beside}\n{told}"[-20000:]
    )


def _command(client: Client, programs: Path, scripts: Path, put: Mapping[str, str]) -> list[str]:
    program, *arguments = client.command
    if program.endswith((".py", ".mjs")):
        return [str(programs / "python") if program.endswith(".py") else "node", str(scripts / program)]
    return [str(programs / program), *(_put(argument, put) for argument in arguments)]


def _put(text: str, put: Mapping[str, str]) -> str:
    for name, value in put.items():
        text = text.replace(name, value)
    return text


def _unescaped(body: str) -> str:
    """Return a body without the escapes of JSON, behind which a value could hide."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body


def _asks_to_stream(request: Mapping[str, str]) -> bool:
    return (
        "alt=sse" in request["path"]
        or request["path"].endswith(("-stream", ":streamGenerateContent"))
        or '"stream":true' in request["body"].replace(" ", "")
    )


def _dialect(request: Mapping[str, str]) -> str:
    _, provider, path = request["path"].partition("?")[0].split("/", 2)
    family = _FAMILIES.get(provider, "mcp")
    posted = request["method"] == "POST"
    return dialect_of(family, request["method"], f"/{path}", "application/json" if posted else "", posted)


def _page(rows: list[str]) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    seen = f"Seen on {today} with Regate {__version__}."
    return "\n".join(
        [_HEAD, seen, "", "| client | version | dialects | seen |", "|---|---|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    sys.exit(main())
