"""`regate policy eval`: the decision on one input, or on one raw request."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from jsonschema import Draft7Validator

from cli import rego_tests
from cli.policy import opa_tests
from cli.policy.almost import almost, verdicts_of
from cli.policy.folders import PolicyFolder, configured
from cli.policy.loading import load
from cli.screen import block, printable
from gateway.config import Config
from gateway.contract import guard, schema_of, to_document
from gateway.errors import ConfigError
from gateway.policy import GET_OPA, configured_policy, find_opa
from gateway.policy.engine import embedded_available

if TYPE_CHECKING:
    from gateway.exchange import TrialRequest


def evaluate(
    file: Annotated[
        Path | None,
        typer.Argument(help="An input document in JSON (docs/reference/policy.md); - is standard input."),
    ] = None,
    body: Annotated[
        Path | None, typer.Option("--body", help="The body of a provider request instead; - as above.")
    ] = None,
    provider: Annotated[str, typer.Option("--provider", help="Whose request it is, as in regate.yaml.")] = "",
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="Its path at the provider. [default: the conversation's]")
    ] = "",
    method: Annotated[str, typer.Option("--method", help="Its HTTP method.")] = "POST",
    content_type: Annotated[str, typer.Option("--content-type")] = "application/json",
    agent: Annotated[str, typer.Option("--agent", help="Who asks.")] = "trial",
    group: Annotated[list[str] | None, typer.Option("--group", help="A group of theirs; repeatable.")] = None,
    with_input: Annotated[
        bool, typer.Option("--input", help='Print {"input", "decision"}: what policy saw, and what it said.')
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say on stderr which rules spoke, and which almost did.")
    ] = False,
    path: PolicyFolder = None,
) -> None:
    """Print the decision on one input document, or on a provider request as an agent would send it.

    A request is parsed and inspected as live traffic is, as the first one of its session. Nothing is sent,
    recorded or counted. Exit code 1: no decision, and the reason on stderr.
    """
    config = configured(path)
    if body is None and file is not None:
        document, decision = asyncio.run(_of_input(config, _document(file)))
    elif body is not None and file is None:
        from gateway.exchange import (
            TrialRequest,
        )  # the analyzers take seconds to import: no other command waits

        request = TrialRequest(
            provider,
            _read(body),
            endpoint,
            method,
            {"content-type": content_type},
            agent=agent,
            groups=tuple(group or ()),
        )
        document, decision = asyncio.run(_of_request(config, request))
    else:
        raise ConfigError("expected an input document, or --body with --provider")
    for line in _printed(config, document):
        typer.echo(printable(line), err=True)
    for line in _spoken(config, document, decision) if explain else ():
        typer.echo(printable(line), err=True)
    answer = {"input": document, "decision": decision} if with_input else decision
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _spoken(config: Config, document: dict[str, Any], decision: dict[str, Any]) -> Iterator[str]:
    """Yield the rules that spoke, and where OPA's trace has others stop. Raises ConfigError without OPA."""
    source, opa = configured_policy(config), find_opa()
    if opa is None or not source.root.is_dir():
        raise ConfigError(f"--explain needs a folder of policy and opa: {GET_OPA}")
    for spoke in (*decision["reasons"], *decision["warnings"]):
        yield f"spoke: {spoke['rule']}: {spoke['message']}"
    steps = opa_tests.traced(opa, [source.root], "data.regate.decision", document, source.tables)
    yield from (f"almost: {each}" for each in almost(verdicts_of(opa, source.root), steps))


def _printed(config: Config, document: dict[str, Any]) -> list[str]:
    """Return what the policy prints about the input: `print()` is for authors, and no gateway shows it."""
    source = configured_policy(config)
    if not any("print(" in text for text in source.modules.values()):
        return []
    opa = find_opa()
    if opa and source.root.is_dir():
        return opa_tests.printed(opa, source, document)
    return rego_tests.printed(source, document) if embedded_available() else []


async def _of_input(config: Config, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    for warning in _unlike_an_input(document):
        typer.echo(block(f"regate: {warning}"), err=True)
    decision = await load(config, document)
    assert decision is not None
    return document, to_document(decision)


async def _of_request(config: Config, request: TrialRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    from gateway.exchange import arrive  # as above

    trial = await arrive(config, request)
    decision = await load(config, trial.document)
    assert decision is not None
    acts = guard(decision, syntax=trial.syntax, approval_status="", enforced=config.policy.enforce)
    return trial.document, to_document(acts)


def _unlike_an_input(document: dict[str, Any]) -> Iterator[str]:
    """Yield where the document is none that a gateway would ask about: a rule may miss what it says."""
    for fault in Draft7Validator(schema_of("input")).iter_errors(document):
        yield ": ".join([".".join(["input", *map(str, fault.absolute_path)]), fault.message])


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read(file))
    except ValueError as error:
        raise ConfigError(f"{file}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected a JSON object")
    return document


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
