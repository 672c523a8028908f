"""`regate init`: a folder with everything that a gateway and the authors of its policy need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.first.shipped import shipped_files
from cli.screen import line
from gateway.errors import ConfigError

app = typer.Typer(add_completion=False)


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; it is made if it is not there.")] = Path(),
) -> None:
    """Write settings, policy with its tests, and a workflow for CI into a folder. No file is overwritten.

    Example: regate init my-gateway
    """
    written, kept = write_folder(folder)
    typer.echo(line(f"regate: {len(written)} files written to {folder.absolute()}"))
    if kept:
        shown = ", ".join(kept[:5]) + (", …" if len(kept) > 5 else "")
        typer.echo(line(f"regate: {len(kept)} were there before and are as they were: {shown}"))
    typer.echo("regate: next")
    if folder != Path():
        typer.echo(line(f"  cd {folder}"))
    typer.echo("  regate policy test    # the policy's own tests")
    typer.echo("  regate up             # starts the gateway; prints a key and a request to paste")
    typer.echo("  regate doctor         # what is missing, such as a provider's key")


def write_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Write what a new folder begins with. Returns the files that were written and those that were there.

    Raises ConfigError where a file cannot be written.
    """
    written, kept = [], []
    for name, content in shipped_files():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as opened:
                opened.write(content)
        except FileExistsError:
            if not file.is_file():
                raise ConfigError(f"{file}: cannot be written: something else has this name") from None
            kept.append(name)
            continue
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
        written.append(name)
    return written, kept
