"""What rules read of the input that goes with the next release, and what takes its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.policy.faults import PolicyFault
from gateway.policy import PolicySource

_INSTEAD = {
    f"{measure}_{window}": f'input.usage.agent.{measure}["{window}"]'
    for measure in ("requests", "tokens")
    for window in ("1m", "1d")
} | {"cost_1d": 'input.usage.agent.cost_micros["1d"], in millionths'}
_READ = re.compile(rf"""\busage(?:\.|\[["'`])({"|".join(_INSTEAD)})\b""")


def going(source: PolicySource) -> Iterator[PolicyFault]:
    """Find the keys of the input that are there for one more release. They are no faults yet."""
    for name, text in source.modules.items():
        for number, line in enumerate(text.splitlines(), 1):
            for found in _READ.finditer(line.partition("#")[0]):
                old = f"input.usage.{found[1]}"
                yield PolicyFault(
                    str(source.root / name),
                    number,
                    f"{old} goes with the next release",
                    f"read {_INSTEAD[found[1]]}",
                )
