"""OPA's own commands, run for the policy author."""

from __future__ import annotations

import subprocess
from pathlib import Path

import typer


def run_opa(opa: Path, *arguments: str | Path, capture: bool = False) -> str:
    """Run opa and pass its exit code on, when it is not 0."""
    run = subprocess.run(  # noqa: S603 - the operator's own binary, no shell
        [opa, *arguments], stdout=subprocess.PIPE if capture else None, text=True, check=False
    )
    if run.returncode:
        raise typer.Exit(run.returncode)
    return run.stdout or ""
