"""The architecture page shows the floors that import-linter holds, and every package of the gateway."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = [contract for contract in CONTRACTS if contract["type"] == "layers"]
HOUSE = next(contract for contract in LAYERS if "containers" not in contract)


def names(text: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", text)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without its head."""
    lines = PAGE.partition(f"\n{heading}\n")[2].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|---"))
    table = lines[start + 1 :]
    end = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[:end]]


def test_the_floors_are_those_of_the_linter() -> None:
    floors = [
        [name.strip().removeprefix("gateway.") for name in layer.split("|")] for layer in HOUSE["layers"]
    ]
    assert [names(floor) for floor, _ in rows("## The floors")] == floors


@pytest.mark.parametrize(
    "contract", [one for one in LAYERS if "containers" in one], ids=lambda one: one["name"]
)
def test_the_floors_inside_a_package_are_those_of_the_linter(contract: dict[str, list[str]]) -> None:
    (container,) = contract["containers"]
    inside = dict(rows("Four packages have floors of their own:"))
    shown = [names(floor) for floor in inside[f"`{container.removeprefix('gateway.')}`"].split(" / ")]
    assert shown == [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def test_every_package_stands_on_a_floor() -> None:
    packages = {path.name for path in (ROOT / "gateway").iterdir() if path.is_dir() and path.name[0] != "_"}
    packages |= {path.stem for path in (ROOT / "gateway").glob("[!_]*.py")}
    shown = {name for floor, _ in rows("## The floors") for name in names(floor)}
    assert packages <= shown


def test_every_child_process_is_explained() -> None:
    """A module that is run as a program, or that starts one, has its row among the processes."""
    section = PAGE.partition("## The processes")[2].partition("\n## ")[0]
    programs = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    ]
    assert programs
    helpers = ("gateway/processes/", "gateway/audit/files/")  # how a process is started, and a lock is tried
    linked = set(re.findall(r"\]\(\.\./(gateway/[^)]+)\)", section))
    for program in programs:
        if not program.startswith(helpers):
            assert linked & {program, f"{Path(program).parent.as_posix()}/regorus_process.py"}, program
