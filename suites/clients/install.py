"""Installs clients into a folder outside of the checkout, each apart from the others."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from suites.clients.table import Client

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "regate", "clients")
_NODE = 22  # the least major version that the clients of npm run on
_SCRIPTS = Path(__file__).parent / "scripts"


def install(client: Client) -> tuple[str, Path, Path]:
    """Bring a client up to date. Return its version, its folder of programs, and that of its scripts.

    Raises subprocess.CalledProcessError with what the installer said.
    """
    folder = CACHE / client.packages[0].partition("[")[0].replace("/", "+")
    return (_from_npm if client.registry == "npm" else _from_pypi)(client, folder)


def _from_pypi(client: Client, folder: Path) -> tuple[str, Path, Path]:
    python = folder / "bin/python"
    if not python.exists():
        run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(folder))
    pip = [sys.executable, "-m", "uv", "pip"]
    run(*pip, "install", "--quiet", "--upgrade", "--python", str(python), *client.packages)
    package = client.packages[0].partition("[")[0]
    shown = run(*pip, "show", "--python", str(python), package)
    version = next(line.split()[1] for line in shown.splitlines() if line.startswith("Version:"))
    return version, python.parent, _SCRIPTS


def _from_npm(client: Client, folder: Path) -> tuple[str, Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    # By number: npm takes an old version in silence where the newest wants a newer node than runs npm itself.
    packages = [f"{name}@{run('npm', 'view', name, 'dist-tags.latest').strip()}" for name in client.packages]
    run(
        "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel", "error", *packages
    )
    with_node(folder)
    shutil.copytree(_SCRIPTS, folder, dirs_exist_ok=True)  # node looks for packages where a script lies
    package = folder / "node_modules" / client.packages[0] / "package.json"
    return json.loads(package.read_text())["version"], folder / "node_modules/.bin", folder


def with_node(folder: Path) -> None:
    """Put a newer node among the programs of a client, where that of this machine is too old."""
    if int(run("node", "--version").strip().lstrip("v").split(".")[0]) >= _NODE:
        return
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"node-{platform.system().lower()}-{machine}"
    node = CACHE / "node"
    run("npm", "install", "--prefix", str(node), "--no-audit", "--no-fund", f"{package}@24")
    program = folder / "node_modules/.bin/node"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    program.symlink_to(node / "node_modules" / package / "bin/node")


def run(*command: str, cwd: Path | None = None) -> str:
    """Return what a command prints. Raises subprocess.CalledProcessError with what it said."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout
