"""`python -m bench.policy`: what one decision costs in OPA and embedded, beside a trivial and a plain policy.

A prompt of 300 B with four entities. OPA is measured by `opa bench` over the bundle as the sidecar loads it,
regorus in this process by its CPU time, the reading of the input included. Both are the best of several
rounds, for a shared machine only ever adds; the ratios travel between machines, the microseconds do not.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.exchange import (
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
from gateway.policy import find_opa, load_source
from gateway.policy_input import build_input

_LIBRARY = Path(__file__).parent.parent / "policies" / "rego"
_DECISION = "data.regate.decision"
_ROUNDS = 5
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


def main() -> None:
    """Measure the three policies with each engine there is, and print a table."""
    source = load_source(_LIBRARY)
    policies: dict[str, tuple[Mapping[str, str], Mapping[str, Any]]] = {
        "trivial": (_TRIVIAL, {}),
        "plain, 10 topics": (_PLAIN, {}),
        "the library": (source.modules, source.data),
    }
    full, empty = _document(4), _document(0)
    print(f"{platform.machine()}, Python {platform.python_version()}; one decision, best of {_ROUNDS} rounds")
    print(f"input {len(json.dumps(full))} B\n")
    print("| policy | OPA, mean | OPA, best | allocations | regorus, CPU | of it the input |")
    print("|---|---|---|---|---|---|")
    for name, (modules, data) in policies.items():
        _print(name, modules, data, full)
    _print("the library, nothing found", source.modules, source.data, empty)


def _print(name: str, modules: Mapping[str, str], data: Mapping[str, Any], document: dict[str, Any]) -> None:
    opa = find_opa()
    by_opa = _opa(opa, modules, data, document) if opa else "not installed | | "
    print(f"| {name} | {by_opa} | {_regorus(modules, data, document)} |")
    sys.stdout.flush()


def _opa(opa: Path, modules: Mapping[str, str], data: Mapping[str, Any], document: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory(prefix="regate-bench-") as folder:
        bundle, file = Path(folder, "bundle"), Path(folder, "input.json")
        file.write_text(json.dumps(document))
        files = {
            ".manifest": json.dumps({"revision": "bench", "roots": ["regate", "settings"]}),
            "data.json": json.dumps(data),
            **modules,
        }
        for name, text in files.items():
            (bundle / name).parent.mkdir(parents=True, exist_ok=True)
            (bundle / name).write_text(text)
        command = [opa, "bench", "--bundle", bundle, "--input", file, "--format=json", _DECISION]
        rounds = [
            json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            for _ in range(_ROUNDS)
        ]
    mean = min(each["T"] / each["N"] for each in rounds) / 1000
    best = min(each["Extra"]["histogram_timer_rego_query_eval_ns_min"] for each in rounds) / 1000
    return f"{mean:.0f} µs | {best:.0f} µs | {rounds[0]['MemAllocs'] // rounds[0]['N']}"


def _regorus(modules: Mapping[str, str], data: Mapping[str, Any], document: dict[str, Any]) -> str:
    try:
        import regorus  # type: ignore[import-untyped]  # an optional extra, without types
    except ImportError:
        return "not installed | "
    engine = regorus.Engine()
    for name, text in modules.items():
        engine.add_policy(name, text)
    engine.add_data_json(json.dumps(data))
    text = json.dumps(document)

    def decide() -> None:
        engine.set_input_json(text)
        engine.eval_rule_as_json(_DECISION)

    whole, reading = _cpu(decide), _cpu(lambda: engine.set_input_json(text))
    return f"{whole:.0f} µs | {reading:.0f} µs"


def _cpu(work: Any, times: int = 100) -> float:
    """CPU time of one call, in microseconds."""
    best = float("inf")
    for _ in range(_ROUNDS * 2):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e6


def _document(entities: int) -> dict[str, Any]:
    names = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN")[:entities]
    content = Part("user", "text", "/messages/0/content", _TEXT)
    return build_input(
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
        parts=(InspectedPart(content, "d", True, (), _TEXT),),
        rows=tuple(FindingRow(name, "pii", 1, 1, 1, 0.85, ("user",), ("text",)) for name in names),
        tool_calls=(),
        session=SessionFacts(),
        usage=UsageFacts(1, 1, 0, 0),
        approval=ApprovalFacts(),
        response=ResponseFacts(),
    )


if __name__ == "__main__":
    main()
