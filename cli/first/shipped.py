"""What a new folder begins with: the library of policy with its tests, settings, and a workflow for CI.

The wheel carries these files beside this module. In a checkout they are the checkout's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gateway import __version__
from gateway.policy import PINNED

_CARRIED = Path(__file__).with_name("shipped")
_CHECKOUT = Path(__file__).parents[2]
_FROM = ("regate.yaml", "policies", "policy_tests", ".regal", ".vscode", ".github/workflows/policy.yml")
_SCHEMAS = "gateway/contract/schemas"  # where editors find them in a checkout
_OWN_SCHEMAS = ".vscode/schemas"
_OWN_SETUP = re.compile(r" *# In a repository that holds policy alone.*?(?= *- name: Syntax)", re.DOTALL)
_SETUP = f"""\
      - name: Install Regate
        run: pip install "regate[embedded]=={__version__}"
      - uses: open-policy-agent/setup-opa@v2
        with: {{version: {PINNED}}}
"""
_IGNORED = "/audit/\n/state/\n.env\n"


def shipped_files() -> Iterator[tuple[str, bytes]]:
    """Yield each file of a new folder: its path below the folder, and its content."""
    root = _CARRIED if _CARRIED.is_dir() else _CHECKOUT
    for start in _FROM:
        for file in sorted([root / start, *(root / start).rglob("*")]):
            if file.is_file():
                name = file.relative_to(root).as_posix()
                yield name, _fitted(name, file.read_text("utf-8")).encode()
    with resources.as_file(resources.files("gateway.contract") / "schemas") as schemas:
        for schema in sorted(schemas.glob("*.json")):
            yield f"{_OWN_SCHEMAS}/{schema.name}", schema.read_bytes()
    yield ".gitignore", _IGNORED.encode()


def _fitted(name: str, text: str) -> str:
    """Return a file as it has to be outside of a checkout."""
    if name.startswith(".github/"):
        return _OWN_SETUP.sub(_SETUP, text)
    return text.replace(_SCHEMAS, _OWN_SCHEMAS) if name.startswith(".vscode/") else text
