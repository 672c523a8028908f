"""`regate audit tiles`: the log of heads as static files, for auditors of transparency logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.files import Folder, write_tiles
from gateway.config import config_path, load_config
from gateway.errors import ConfigError, RegateError


def write(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write to, for a web server.")],
) -> None:
    """Write the log of heads as tiles (C2SP tlog-tiles), with the checkpoint that witnesses cosigned.

    Again and again into one folder: what is there stays, and the checkpoint is written last.

    Example: regate audit tiles /srv/www/regate-log
    """
    folder = Folder(load_config(config_path()).audit_path)
    if not folder.checkpoint.exists():
        expected = "set audit.origin, and wait a minute or run regate audit seal"
        raise ConfigError(f"{folder.checkpoint}: there is no checkpoint; {expected}")
    try:
        made, size = write_tiles(folder, out)
    except ValueError as error:
        raise RegateError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{out}: it cannot be written: {error}") from error
    typer.echo(f"{made} new tiles over {size} lines in {out}")
