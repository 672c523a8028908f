"""Which lines of a policy recorded traffic never runs: of these a backtest says nothing."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from gateway.audit.reading import decision_lines, rebuild
from gateway.policy import PolicySource
from gateway.policy.engine import embedded_available

MOST = 500
"""So many recorded decisions are run again, the oldest of the time asked for first."""

Place = tuple[str, int]


def uncovered(root: Path, source: PolicySource, since: datetime | None) -> Sequence[Place] | None:
    """Return file and line of what no recorded input runs; None where it is not known.

    The embedded engine counts lines. An input on which the policy fails leaves the rest unknown.
    """
    if not embedded_available():
        return None
    engine = importlib.import_module("regorus").Engine()
    try:
        for name, text in source.modules.items():
            engine.add_policy(name, text)
        for data in (source.data_json, source.tables.document):
            engine.add_data_json(data.decode())
        engine.set_enable_coverage(True)
        run = 0
        for line in islice(decision_lines(root, since), MOST):
            if (recorded := rebuild(line)).input is not None:
                engine.set_input_json(json.dumps(recorded.input))
                engine.eval_rule_as_json("data.regate.decision")
                run += 1
    except RuntimeError:
        return None
    if not run:
        return None
    files = json.loads(engine.get_coverage_report_as_json())["files"]
    return sorted((file["path"], int(line)) for file in files for line in file["not_covered"])
