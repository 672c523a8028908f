"""No rule means one thing to OPA and another to the embedded engine, of the kinds that releases broke."""

from __future__ import annotations

import asyncio
from logging import getLogger
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.contract.decision import Decision
from gateway.errors import PolicyError
from gateway.policy import PolicySource, find_opa
from gateway.policy.engine.embedded import Embedded
from gateway.policy.engine.sidecar import Sidecar
from tests.support.configuration import need_engine
from tests.unit.policy.conftest import request_document

LOG = getLogger("test.agree")

# A body each; its comment names the release of OPA that broke it. Keys that the contract does not name are
# read by `object.get`, as `policy check` demands: the engines differ on `not f(input.agent.claims.absent)`.
CORPUS = {
    "a reference in a set of constants": 'input.agent.id in {"root", input.agent.owner}',  # 1.21
    "a reference in a set through a local": 'x := input.agent.id\n\tx in {"root", input.agent.owner}',  # 1.21
    "a reference in an array": 'input.agent.id in ["root", input.agent.owner]',
    "a reference equal to another": "input.agent.id == input.agent.owner",
    "a comprehension in an object": 'p := {"k": [g | some g in input.agent.groups]}\n\tp.k != []',  # 1.21
    "a comprehension in a set": "p := {[g | some g in input.agent.groups]}\n\tcount(p) == 1",  # 1.21
    "every in a comprehension": '{[1 | every g in input.agent.groups { g != "" }]} == {[1]}',  # 1.21
    "iteration of an empty array": "not _any_of([])",  # 1.21
    "iteration of an empty object": "m := {}\n\tcount([x | x := m[_]]) == 0",  # 1.21
    "a key of an empty default": 'object.get(_nothing, "k", "absent") == "absent"',  # 1.22
    "a set that a reference is looked up in": "{1, 2}[input.parameters.n]",  # 1.22
    "an absent key": 'not object.get(input.agent.claims, "absent", false)',
    "a huge substring": f'substring("abc", 1, {2**31 - 1}) == "bc"',  # 1.22
    "an address in IPv6": 'startswith(input.source.ip, "127.")',
    "whole numbers": "input.parameters.n * 1000000 + 1 > 1000000",
    "large whole numbers": "input.usage.tokens_1d + 9007199254740993 > 9007199254740992",
    "a remainder": "7 % 2 == 1",
    "a glob": 'glob.match("gpt-*", null, input.model)',
    "a glob with a separator": 'glob.match("/v1/*/*", ["/"], input.path)',
    "an expression": 'regex.match("^gpt-[0-9.]+$", input.model)',
    "a set operation": '{g | some g in input.agent.groups} & {"ops"} == {"ops"}',
    "object.union": 'object.union({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}',
    "walk": '[value | walk(input.agent, [path, value]); path == ["id"]] == [input.agent.id]',
    "else": '_tier == "low"',
    "with": 'input.agent.id == "other" with input.agent.id as "other"',
    "sprintf": 'sprintf("%s-%d", [input.agent.id, 7]) == concat("-", [input.agent.id, "7"])',
    "order": "sort([input.model, 1, null, true, [], {}]) == [null, true, 1, input.model, [], {}]",
    "lower and trim": 'lower(trim_space(concat("", [" ", input.model, " "]))) == lower(input.model)',
}
HELPERS = """
_any_of(values) if {
	some value in values
	value
}

default _nothing := {}

_tier := "high" if {
	input.parameters.n > 10
} else := "low"
"""
MAIN = """package regate

decision := {"action": "allow", "reasons": [reason |
	some name in sort([fired | some fired in data.regate.rules.corpus.verdicts])
	reason := {"rule": name, "title": name, "message": name, "severity": "low", "controls": []}
]}
"""
VALUES = [
    "input.agent.id",
    "input.agent.owner",
    "input.model",
    "input.provider",
    '"bot"',
    '"dana"',
    '"root"',
    'object.get(input.agent.claims, "team", "")',
]
NUMBERS = [
    "input.parameters.n",
    "input.prompt.characters",
    "count(input.agent.groups)",
    "0",
    "1",
    "5",
    "1000000",
]


def condition(dice: Random, depth: int = 2) -> str:
    """One line of a rule, made of what policy authors write most."""
    value, other = dice.choices(VALUES, k=2)
    several = ", ".join(dice.choices(VALUES, k=dice.randint(1, 3)))
    number, limit = dice.choices(NUMBERS, k=2)
    compare = dice.choice(["==", "!=", "<", "<=", ">", ">="])
    makers = [
        f"{value} in {{{several}}}",
        f"{value} in [{several}]",
        f"not {value} in {{{several}}}",
        f"{value} {compare} {other}",
        f"{number} {compare} {limit}",
        f"{number} + {limit} {compare} {number} * 2",
        f"count({{x | some x in [{several}]; x != {value}}}) {compare} 1",
        f"every x in input.agent.groups {{ x in {{{several}}} }}",
        f'object.get({{"a": {value}}}, "{dice.choice("ab")}", {other}) == {other}',
        f"{{{several}}} & {{{value}}} != set()",
        f"[x | some x in [{several}]; x == {value}] != []",
    ]
    line = dice.choice(makers)
    return line if depth == 0 or dice.random() < 0.5 else f"{line}\n\t{condition(dice, depth - 1)}"


def policy(bodies: dict[str, str]) -> PolicySource:
    rules = [f'verdicts contains "{name}" if {{\n\t{body}\n}}\n' for name, body in bodies.items()]
    text = "package regate.rules.corpus\n\n" + "\n".join(rules) + HELPERS
    return PolicySource(Path("corpus"), {"main.rego": MAIN, "corpus.rego": text}, b'{"settings": {}}', "r1")


def inputs() -> list[dict[str, Any]]:
    """Requests that the conditions tell apart."""
    made = []
    for owner in ("bot", "dana", ""):
        for groups in ([], ["ops"], ["ops", "dana", ""]):
            for n in (-1, 1, 11):
                document = request_document()
                document["agent"] = {**document["agent"], "owner": owner, "groups": groups}
                document["parameters"] = {**document["parameters"], "n": n}
                made.append(document)
    return made


async def said_of(bodies: dict[str, str]) -> list[tuple[list[str], list[str]]]:
    """The rules that fire for each input, by OPA and by the embedded engine."""
    opa = find_opa()
    assert opa is not None
    answers = []
    for engine in (Sidecar(opa, 30.0, LOG), Embedded(30.0, LOG)):
        try:
            await engine.start(policy(bodies))
            decisions = await asyncio.gather(
                *(engine.decide(each) for each in inputs()), return_exceptions=True
            )
        finally:
            await engine.close()
        answers.append([_fired(each) for each in decisions])
    return list(zip(*answers, strict=True))


def _fired(outcome: Decision | BaseException) -> list[str]:
    if isinstance(outcome, PolicyError):
        return ["policy error"]
    assert isinstance(outcome, Decision), outcome
    return [reason.rule for reason in outcome.reasons]


@pytest.fixture(autouse=True)
def _both() -> None:
    need_engine("sidecar")
    need_engine("embedded")


async def test_rules_that_releases_of_opa_broke_decide_alike() -> None:
    """Every rule of the corpus fires for the same inputs in both engines, and each fires for some."""
    said = await said_of(CORPUS)
    for document, (by_opa, embedded) in zip(inputs(), said, strict=True):
        assert by_opa == embedded, document
    assert {name for by_opa, _ in said for name in by_opa} == set(CORPUS)


@pytest.mark.parametrize("seed", range(6))
async def test_generated_rules_decide_alike(seed: int) -> None:
    """Forty rules that no one wrote fire for the same inputs in both engines."""
    dice = Random(seed)
    bodies = {f"rule {number}": condition(dice) for number in range(40)}
    for document, (by_opa, embedded) in zip(inputs(), await said_of(bodies), strict=True):
        assert by_opa == embedded, (document, [bodies.get(name) for name in set(by_opa) ^ set(embedded)])
