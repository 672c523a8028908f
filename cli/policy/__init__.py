"""`regate policy`: write, check, test and try the Rego files that decide."""

from __future__ import annotations

import typer

from cli.policy import backtest, bundles, check, evaluate, explain, new, reference, status, testing, using

app = typer.Typer(help="Write, check, test, try and explain policy.", no_args_is_help=True)
app.command("new", epilog="Example: regate policy new night")(new.new)
app.command("check", epilog="Example: regate policy check")(check.check)
app.command("test", epilog="Example: regate policy test")(testing.run_policy_tests)
app.command("fmt", epilog="Example: regate policy fmt --check")(check.fmt)
app.command("docs", epilog="Example: regate policy docs --check")(reference.docs)
app.command(
    "eval", epilog="Example: regate policy eval --body request.json --provider openai --group interns"
)(evaluate.evaluate)
app.command("explain", epilog="Example: regate policy explain dec_bqncpccnbjipjnbgfiagpnak")(explain.explain)
app.command("keygen", epilog="Example: regate policy keygen")(bundles.keygen)
app.command("build", epilog="Example: regate policy build")(bundles.build)
app.command("inspect", epilog="Example: regate policy inspect bundles/policy.tar.gz")(bundles.inspect)
app.command("use", epilog="Example: regate policy use 4f2c9e1")(using.use)
app.command("rollback", epilog="Example: regate policy rollback")(using.rollback)
app.command("status", epilog="Example: regate policy status --json")(status.status)
app.command(
    "backtest", epilog="Example: regate policy backtest --candidate next --since 7d --fail-on allow:deny"
)(backtest.backtest)
