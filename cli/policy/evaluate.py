"""`regate policy eval`: the decision on one input, or on one raw request."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.policy.folders import PolicyFolder, configured
from cli.policy.loading import load
from gateway.config import Config
from gateway.contract import guard, to_document
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from cli.policy.trial import Request


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
        from cli.policy import trial  # the analyzers take seconds to import: no other command waits

        request = trial.Request(
            provider, _read(body), endpoint, method, content_type, agent=agent, groups=tuple(group or ())
        )
        document, decision = asyncio.run(_of_request(config, request))
    else:
        raise ConfigError("expected an input document, or --body with --provider")
    answer = {"input": document, "decision": decision} if with_input else decision
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


async def _of_input(config: Config, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    decision = await load(config, document)
    assert decision is not None
    return document, to_document(decision)


async def _of_request(config: Config, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    from cli.policy.trial import arrive  # as above

    document, syntax = await arrive(config, request)
    decision = await load(config, document)
    assert decision is not None
    acts = guard(decision, syntax=syntax, approval_status="", enforced=config.policy.enforce)
    return document, to_document(acts)


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
