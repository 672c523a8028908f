"""A package offers names of its modules, and loads a module when a name of it is first used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import gateway
from gateway.facade import on_demand
from tests.support.prefork import ROOT

FACADES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in Path(gateway.__file__).parent.rglob("__init__.py")
    if "on_demand" in path.read_text()
)


@pytest.mark.parametrize("name", FACADES)
def test_a_facade_offers_what_it_says_and_nothing_else(name: str) -> None:
    package = importlib.import_module(name)
    offered = {said: getattr(package, said) for said in package.__all__}
    assert all(value is getattr(package, said) for said, value in offered.items())
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("name", FACADES)
def test_no_module_has_the_name_of_what_its_facade_offers(name: str) -> None:
    """Whichever is imported first would hide the other."""
    package = importlib.import_module(name)
    modules = {path.stem for path in Path(package.__path__[0]).iterdir()}
    assert modules & set(package.__all__) == set()


def test_there_are_facades() -> None:
    assert len(FACADES) > 20


def test_a_name_is_imported_under_the_name_that_the_facade_gives_it() -> None:
    from gateway.audit.verifying.proof import prove

    assert on_demand("gateway.audit.verifying")("prove_record") is prove


# What each child process needs of the packages that it starts quickly without.
@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("gateway.audit.files.literal", {"gateway.audit.files.record", "gateway.audit.journal.journal"}),
        ("gateway.audit.reading.sandbox", {"cryptography", "gateway.audit.journal.journal", "sqlalchemy"}),
        ("gateway.audit.sealing.worker", {"gateway.audit.journal.journal", "sqlalchemy", "yaml"}),
        ("gateway.audit.sealing.removal_worker", {"gateway.audit.journal.journal", "sqlalchemy", "yaml"}),
        ("gateway.policy.loading.reader", {"aiohttp", "duckdb", "sqlalchemy"}),
    ],
)
def test_a_child_process_loads_nothing_of_what_it_does_not_use(module: str, without: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded & without == set()
