"""`regate audit`: ask the evidence, prove it, follow it, seal it. Works on the files; no gateway need run."""

from __future__ import annotations

import typer

from cli import audit_chain, audit_erase, audit_export, audit_sql, audit_tail

app = typer.Typer(help="The evidence: ask it, prove it, follow it, seal it.", no_args_is_help=True)
app.command("sql")(audit_sql.sql)
app.command("views")(audit_sql.views)
app.command("tail")(audit_tail.tail)
app.command("export")(audit_export.export)
app.command("erase")(audit_erase.erase)
app.command("verify")(audit_chain.verify)
app.command("prove")(audit_chain.prove)
app.command("seal")(audit_chain.seal)
app.command("rotate-key")(audit_chain.rotate_key)
