"""`regate policy explain`: which rules made a recorded decision, and what the policy on disk says today."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.policy.folders import AsJson, PolicyFolder, configured
from cli.policy.loading import load
from cli.policy.opa import NOT_HIDDEN, OpaFailed, beside, capabilities, run_opa
from cli.policy.syntax import Module, Node, line_of, names_of, parse_all, rule_name
from cli.rego_tests import rego_files
from cli.screen import block, printable
from gateway.audit.reading import RecordedDecision, find_decision
from gateway.config import Config
from gateway.contract import guard, to_document
from gateway.errors import ConfigError, RegateError
from gateway.policy import GET_OPA, find_opa, load_source, tables_at

_LOST = {
    "not_recorded": "decision.record was metadata, so its texts were not recorded",
    "erased": "its content was erased",
    "unreadable": "its record is damaged (see regate audit verify)",
}


class Unexplained(RegateError):
    """There is no such decision, or not enough of it is recorded."""


class Trace(StrEnum):
    """What OPA tells of an evaluation: `trace()` notes, what failed, or every step."""

    NOTES = "notes"
    FAILS = "fails"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on disk that a reason names: where it stands, and what its METADATA says."""

    place: str
    title: str = ""
    description: str = ""
    remedy: str = ""


def explain(
    decision_id: Annotated[str, typer.Argument(help="As in x-regate-decision-id, or from regate audit sql.")],
    path: PolicyFolder = None,
    trace: Annotated[Trace | None, typer.Option("--trace", help="OPA's trace on the policy on disk.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which rules made a recorded decision and why, and what the policy on disk says of the same input.

    The input is the recorded one, exactly. Exit code 1: no such decision, or --trace where text is held back.
    """
    config = configured(path)
    recorded, now = _found(config, decision_id)
    rules = rules_on_disk(config)
    if as_json:
        typer.echo(json.dumps(_document(recorded, now, rules), ensure_ascii=False))
    else:
        for told in [*_told(recorded, rules), *_compared(recorded, now, rules, config)]:
            typer.echo(block(told))
    if trace is not None:
        typer.echo(printable(_traced(config, recorded, trace)))


def explained_decision(config: Config, decision_id: str) -> dict[str, Any]:
    """Return a recorded decision, its rules, and that of the policy on disk.

    Raises Unexplained, ConfigError.
    """
    recorded, now = _found(config, decision_id)
    return _document(recorded, now, rules_on_disk(config))


def _found(config: Config, decision_id: str) -> tuple[RecordedDecision, dict[str, Any] | None]:
    recorded = find_decision(config.audit_path, decision_id)
    if recorded is None:
        raise Unexplained(f"no decision {decision_id!r} in {config.audit_path}")
    return recorded, None if recorded.input is None else asyncio.run(
        _decide(config, recorded, recorded.input)
    )


async def _decide(config: Config, recorded: RecordedDecision, document: dict[str, Any]) -> dict[str, Any]:
    """Decide about the recorded input by the policy on disk and the same guards; or return why not."""
    try:
        decision = await load(config, document)
    except ConfigError:
        raise
    except RegateError as error:
        return {"error": str(error), "revision": load_source(config.policy_path).revision}
    assert decision is not None
    status = document["approval"]["status"]
    acts = guard(decision, syntax=recorded.syntax, approval_status=status, enforced=recorded.enforced)
    return to_document(acts)


def rules_on_disk(config: Config) -> dict[str, Rule]:
    """Return the rules on disk by the name in their reasons; empty where there is no opa to parse them.

    A verdict whose name is computed stands for its whole topic: `pii.` is the name of every such rule.
    """
    opa = find_opa()
    if opa is None:
        return {}
    found: dict[str, Rule] = {}
    for module in parse_all(opa, rego_files(config.policy_path)):
        topic = module.package.removeprefix("regate.rules.")
        for rule in module.rules if topic != module.package else []:
            if rule_name(rule) == "verdicts":
                for name in names_of(rule, topic):
                    found.setdefault(name, _rule(module, rule))
    return found


def _rule(module: Module, rule: Node) -> Rule:
    about: Mapping[str, Any] = next(iter(rule.get("annotations") or []), {})
    return Rule(
        f"{module.path}:{line_of(rule)}",
        str(about.get("title", "")),
        str(about.get("description", "")),
        str((about.get("custom") or {}).get("remedy", "")),
    )


def rule_of(name: str, rules: Mapping[str, Rule]) -> Rule | None:
    return rules.get(name) or rules.get(f"{name.partition('.')[0]}.")


def _told(recorded: RecordedDecision, rules: Mapping[str, Rule]) -> Iterator[str]:
    """Print the decision as it was made."""
    dry = "" if recorded.enforced else ", in a dry run: nothing was carried out"
    yield f"{recorded.decision_id}: the {recorded.phase} of exchange {recorded.exchange_id}"
    yield f"recorded  {recorded.recorded_at}"
    yield f"agent     {recorded.agent}"
    yield f"decided   {recorded.action} by revision {recorded.revision}{dry}"
    if recorded.decision is None:
        yield f"          the reasons are gone: {_held_back(recorded)}"
    else:
        yield from _reasons(recorded.decision, rules)


def _reasons(decision: Mapping[str, Any], rules: Mapping[str, Rule]) -> Iterator[str]:
    if not decision["reasons"]:
        yield "          no rule objected"
    for reason in decision["reasons"]:
        controls = ", ".join(reason.get("controls", []))
        said = "; ".join(part for part in (reason.get("severity", ""), controls) if part)
        yield f"  {reason['rule']}: {reason.get('message', '')}" + (f" ({said})" if said else "")
        rule = rule_of(str(reason["rule"]), rules)
        if rule is not None:
            yield f"      {rule.place}: {rule.title}"
            yield from (f"      {text.strip()}" for text in (rule.description, rule.remedy) if text.strip())
    for warned in decision.get("warnings", []):
        would = f", would have been {warned['would']}" if warned.get("would") else ""
        yield f"  warned{would}: {warned['rule']}: {warned.get('message', '')}"
    for mask in decision.get("mask", []):
        back = ", given back to the caller" if mask["restore"] else ""
        yield f"  masks {mask['entity']}: {mask['operator']}{back}"


def _compared(
    recorded: RecordedDecision, now: Mapping[str, Any] | None, rules: Mapping[str, Rule], config: Config
) -> Iterator[str]:
    """Print what the policy on disk decides about the same input."""
    if now is None:
        yield f"on disk   not asked, for the input cannot be rebuilt: {_held_back(recorded)}"
        return
    same = "the same policy" if now["revision"] == recorded.revision else "another policy"
    if "error" in now:
        yield f"on disk   no decision by revision {now['revision']}, {same}: {now['error']}"
    elif _substance(now) == _substance(recorded.decision or {}):
        yield f"on disk   the same decision by revision {now['revision']}, {same}"
    else:
        yield f"on disk   {now['action']} by revision {now['revision']}, {same} ({config.policy_path})"
        yield from _reasons(now, rules)


def _held_back(recorded: RecordedDecision) -> str:
    return _LOST.get(recorded.lost, recorded.lost)


def _substance(decision: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name != "revision"}


def _document(
    recorded: RecordedDecision, now: Mapping[str, Any] | None, rules: Mapping[str, Rule]
) -> dict[str, Any]:
    decisions = [each for each in (recorded.decision, now) if each]
    names = {str(reason["rule"]) for each in decisions for reason in each.get("reasons", [])}
    return {
        **asdict(recorded),
        "on_disk": now,
        "rules": {name: asdict(rule) for name in sorted(names) if (rule := rule_of(name, rules))},
    }


def _traced(config: Config, recorded: RecordedDecision, trace: Trace) -> str:
    """Print what OPA does with the recorded input and the policy on disk, step by step."""
    opa = find_opa()
    if opa is None:
        raise ConfigError(f"a trace needs opa: {GET_OPA}")
    if recorded.input is None:
        raise Unexplained(f"there is no input to trace: {_held_back(recorded)}")
    # the decision above may be another engine's, and of files since edited
    with (
        capabilities(opa) as allowed,
        beside(tables_at(config.tables_path, config.tables_key_path)) as tables,
    ):
        run = run_opa(
            opa,
            "eval",
            f"--explain={trace.value}",
            "--format=pretty",
            f"--timeout={max(1, round(config.policy.timeout_seconds))}s",
            f"--capabilities={allowed}",
            NOT_HIDDEN,
            "--data",
            config.policy_path,
            *tables,
            "--stdin-input",
            "data.regate.decision",
            stdin=json.dumps(recorded.input, ensure_ascii=False),
        )
    if run.code:
        raise OpaFailed(f"opa eval: {(run.err or run.out).strip()[:2000]}")
    return run.out
