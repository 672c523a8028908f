"""`regate audit`: ask the evidence, prove it, follow it, seal it. Works on the files; no gateway need run."""

from __future__ import annotations

import typer

from cli.audit import chain, erase, export, sql, tail

app = typer.Typer(help="The evidence: ask it, prove it, follow it, seal it.", no_args_is_help=True)
app.command("sql")(sql.sql)
app.command("views")(sql.views)
app.command("tail")(tail.tail)
app.command("export")(export.export)
app.command("erase")(erase.erase)
app.command("verify")(chain.verify)
app.command("prove")(chain.prove)
app.command("seal")(chain.seal)
app.command("rotate-key")(chain.rotate_key)
