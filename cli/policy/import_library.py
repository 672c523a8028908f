"""`regate policy import`: an OPA library of other packages, brought under a name of the policy's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cli.policy.folders import PolicyFolder, configured
from cli.policy.importing import read_library
from cli.policy.new import write_new
from cli.policy.opa import run_opa
from cli.screen import block
from gateway.errors import ConfigError
from gateway.policy import GET_OPA, find_opa

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def import_library(
    folder: Annotated[Path, typer.Argument(help="A folder of Rego files, and data files beside them.")],
    name: Annotated[str, typer.Option("--as", help="Its name here. [default: the folder's]")] = "",
    path: PolicyFolder = None,
) -> None:
    """Bring an OPA library of other packages into the policy, and say how a topic calls it.

    Packages come under regate.lib.NAME and data under settings.NAME; references are rewritten. A file that is
    there stays: nothing is written then. Rego v0 is refused, with the command that makes it v1.
    """
    config = configured(path)
    opa = find_opa()
    if opa is None:
        raise ConfigError(f"importing needs opa: {GET_OPA}")
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected a folder of Rego files")
    name = name or re.sub(r"\W", "_", folder.resolve().name.lower())
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--as {name!r}: expected small letters, digits and _, a letter first")
    library = read_library(opa, folder, name)
    written = {config.policy_path / file: text for file, text in library.files.items()}
    write_new(written)
    run_opa(opa, "fmt", "--write", *(file for file in written if file.suffix == ".rego"))
    for file in written:
        typer.echo(block(f"wrote {file}"))
    for told in library.left_out:
        typer.echo(block(f"left out {told}"), err=True)
    typer.echo("a topic calls it like this, in policies/rego/rules/<topic>.rego:")
    for call in library.calls:
        typer.echo(block(f"    {call}"))
    typer.echo('if it knows another input:  … with input as {"user": input.agent.id}')
    typer.echo("Write a topic (regate policy new TOPIC), then: regate policy check && regate policy test")
