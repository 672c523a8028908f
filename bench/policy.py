"""`python -m bench.policy`: what one decision costs in OPA and embedded, beside a trivial and a plain policy.

A prompt of 300 B with four entities. OPA is measured by `opa bench` over the bundle as the sidecar loads it,
regorus in this process as the worker runs it, the reading of the input apart. The policies take turns, and
each figure is the best of several rounds, for a shared machine only ever adds. The ratios and the allocations
travel between machines, the microseconds do not.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.contract.input import InputFacts, build_input
from gateway.policy import find_opa, load_source
from gateway.words import (
    Agent,
    ApprovalFacts,
    FindingRow,
    InspectedPart,
    Part,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    UsageFacts,
)

_LIBRARY = Path(__file__).parent.parent / "policies" / "rego"
_DECISION = "data.regate.decision"
_ROUNDS = 5
_DECISIONS = 2000  # of regorus, for each policy
_TEXT = (
    "Write to <EMAIL_ADDRESS_k7f3q2> or call <PHONE_NUMBER_a2b3c4>, the card is <CREDIT_CARD_d5e6f7>, the "
    "number <US_SSN_g2h3i4>. Then tell me in two sentences what the customer wants, and whether the order of "
    "last week has left the house already; answer in the customer's language, and leave the numbers out."
)

_TRIVIAL = {
    "main.rego": 'package regate\n\ndecision := {"action": "allow"} if input.agent.id != ""\n',
}

# The shape of the design and no more: ten topics that look at every finding, verdicts unchecked, no reasons.
_PLAIN_MAIN = """package regate

verdicts := {verdict | some verdict in data.regate.rules[_].verdicts}

actions := {verdict.action | some verdict in verdicts}

decision := {"action": "deny"} if {
	"deny" in actions
} else := {"action": "mask", "mask": [mask | some verdict in verdicts; some mask in verdict.mask]} if {
	"mask" in actions
} else := {"action": "allow"} if {
	"allow" in actions
}
"""
_PLAIN_TOPIC = """package regate.rules.topic%d

verdicts contains {"action": "mask", "rule": "topic%d", "mask": masks} if {
	input.phase == "request"
	masks := [{"entity": row.entity, "operator": "placeholder", "restore": true} |
		some row in input.findings
		row.category == "%s"
	]
	count(masks) > 0
}

verdicts contains {"action": "deny", "rule": "topic%d.deny"} if {
	some row in input.findings
	row.entity == "PRIVATE_KEY_%d"
}
"""
_PLAIN = {"main.rego": _PLAIN_MAIN} | {
    f"topic{n}.rego": _PLAIN_TOPIC % (n, n, "pii" if n == 0 else f"other{n}", n, n) for n in range(10)
}


@dataclass(frozen=True)
class _Subject:
    """A policy and the input that it is asked about."""

    name: str
    modules: Mapping[str, str]
    data: Mapping[str, Any]
    document: dict[str, Any]


def main() -> None:
    """Measure the policies with each engine there is, and print a table."""
    source = load_source(_LIBRARY)
    full, empty = _document(4), _document(0)
    subjects = [
        _Subject("trivial", _TRIVIAL, {}, full),
        _Subject("plain, 10 topics", _PLAIN, {}, full),
        _Subject("the library", source.modules, source.data, full),
        _Subject("the library, nothing found", source.modules, source.data, empty),
    ]
    print(f"{platform.machine()}, Python {platform.python_version()}; one decision, best of {_ROUNDS} rounds")
    print(f"input {len(json.dumps(full))} B; load average {os.getloadavg()[0]:.1f}\n")
    by_opa, by_regorus = _opa(subjects), _regorus(subjects)
    print(
        "| policy | OPA, least | OPA, median | OPA, mean | allocations "
        "| regorus, least | regorus, median | reading |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for subject in subjects:
        print(f"| {subject.name} | {by_opa[subject.name]} | {by_regorus[subject.name]} |")


def _opa(subjects: Sequence[_Subject]) -> dict[str, str]:
    opa = find_opa()
    if opa is None:
        return {subject.name: "not installed | | | " for subject in subjects}
    rounds: dict[str, list[dict[str, Any]]] = {subject.name: [] for subject in subjects}
    with tempfile.TemporaryDirectory(prefix="regate-bench-") as folder:
        commands = {subject.name: _bench(opa, Path(folder, subject.name), subject) for subject in subjects}
        for _ in range(_ROUNDS):
            for name, command in commands.items():
                run = subprocess.run(command, capture_output=True, check=True)
                rounds[name].append(json.loads(run.stdout))
    return {name: _told(found) for name, found in rounds.items()}


def _bench(opa: Path, folder: Path, subject: _Subject) -> list[str | Path]:
    """The command that measures once; the bundle and the input are written to `folder`."""
    bundle, file = folder / "bundle", folder / "input.json"
    files = {
        ".manifest": json.dumps({"revision": "bench", "roots": ["regate", "settings"]}),
        "data.json": json.dumps(subject.data),
        **subject.modules,
    }
    for name, text in files.items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text(text)
    file.write_text(json.dumps(subject.document))
    return [opa, "bench", "--bundle", bundle, "--input", file, "--format=json", _DECISION]


def _told(rounds: Sequence[dict[str, Any]]) -> str:
    evaluation = "histogram_timer_rego_query_eval_ns_"
    least, median = (min(each["Extra"][evaluation + what] for each in rounds) for what in ("min", "median"))
    mean = min(each["T"] / each["N"] for each in rounds)
    allocations = rounds[0]["MemAllocs"] // rounds[0]["N"]
    return f"{least / 1000:.0f} µs | {median / 1000:.0f} µs | {mean / 1000:.0f} µs | {allocations}"


def _regorus(subjects: Sequence[_Subject]) -> dict[str, str]:
    # as in the worker; read when regorus first fails
    os.environ["RUST_LIB_BACKTRACE"] = os.environ["RUST_BACKTRACE"] = "0"
    try:
        import regorus  # type: ignore[import-untyped]  # an optional extra, without types
    except ImportError:
        return {subject.name: "not installed | | " for subject in subjects}
    engines = {}
    for subject in subjects:
        engine = engines[subject.name] = regorus.Engine()
        for name, text in subject.modules.items():
            engine.add_policy(name, text)
        engine.add_data_json(json.dumps(subject.data))
    times: dict[str, list[int]] = {subject.name: [] for subject in subjects}
    reading: dict[str, list[int]] = {subject.name: [] for subject in subjects}
    inputs = {subject.name: json.dumps(subject.document) for subject in subjects}
    for _ in range(_DECISIONS):
        for name, engine in engines.items():
            start = time.perf_counter_ns()
            engine.set_input_json(inputs[name])
            read = time.perf_counter_ns()
            engine.eval_rule_as_json(_DECISION)
            reading[name].append(read - start)
            times[name].append(time.perf_counter_ns() - read)
    return {
        name: f"{min(found) / 1000:.0f} µs | {statistics.median(found) / 1000:.0f} µs "
        f"| {statistics.median(reading[name]) / 1000:.0f} µs"
        for name, found in times.items()
    }


def _document(entities: int) -> dict[str, Any]:
    names = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN")[:entities]
    content = Part("user", "text", "/messages/0/content", _TEXT)
    return build_input(
        InputFacts(
            phase="request",
            time=datetime(2026, 11, 22, 8, tzinfo=UTC),
            exchange_id="x1",
            session_id="s1",
            agent=Agent("bot", "dana", "api_key"),
            source=Source("127.0.0.1", "bench"),
            provider="openai",
            dialect="openai.chat",
            method="POST",
            path="/v1/chat/completions",
            prompt=Prompt(model="gpt-4.1"),
            models=("gpt-4.1",),
            parts=(InspectedPart(content, "d", True, (), _TEXT),),
            rows=tuple(FindingRow(name, "pii", 1, 1, 1, 0.85, ("user",), ("text",)) for name in names),
            tool_calls=(),
            session=SessionFacts(),
            usage=UsageFacts.of_first(),
            approval=ApprovalFacts(),
            response=ResponseFacts(),
        )
    )


if __name__ == "__main__":
    main()
