"""`opa test`, with its results and its coverage as a report."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.policy.opa import NOT_HIDDEN, OpaRun, beside, capabilities, run_opa
from cli.rego_report import Outcome, TestReport
from gateway.errors import ConfigError
from gateway.policy import PolicySource, opa_version
from gateway.policy.engine import explained
from gateway.policy.source import NO_TABLES, Tables

_TOTAL_SECONDS = 600.0
_COVERED_IS_SLOWER = 6
_TRACED_SECONDS = 15.0
_LATE = "eval_cancel_error"  # its message depends on the built-in that was stopped
DID_NOT_END = "did not end in time"
# Without the two more runs that say why a line is not covered: which lines they are, one run says.
_COVERAGE = ("--coverage", "--coverage-runs=")


def run_tests(
    opa: Path, policy: Path, folders: Sequence[Path], seconds: float, *, only: str = ""
) -> TestReport:
    """Run every test for so many seconds at most, then see which lines of `policy` they run.

    `only` is an expression for the names of tests, "" for all.

    Raises ConfigError when the files cannot be compiled, OpaFailed when OPA does not end.
    """
    engine = f"opa {opa_version(opa)}"
    with capabilities(opa) as allowed:
        options = (f"--capabilities={allowed}", *([f"--run={only}"] if only else []))
        return _run(opa, engine, policy.resolve(), folders, seconds, options)


def evaluate(opa: Path, folders: Sequence[Path], query: str) -> Any:
    """Return the value of a query over the policy and its tests, {} where it has none. Raises OpaFailed."""
    data = [argument for folder in folders for argument in ("--data", folder)]
    with capabilities(opa) as allowed:
        run = run_opa(opa, "eval", "--format=json", f"--capabilities={allowed}", NOT_HIDDEN, *data, query)
    found = run.document().get("result") if not run.code else None
    return found[0]["expressions"][0]["value"] if found else {}


def printed(opa: Path, source: PolicySource, document: Mapping[str, Any]) -> list[str]:
    """Return what `print()` says while the policy, a folder, decides on an input. Raises OpaFailed."""
    query = ("--data", source.root, "--stdin-input", "data.regate.decision")
    with capabilities(opa) as allowed, beside(source.tables) as tables:
        run = run_opa(
            opa, "eval", f"--capabilities={allowed}", NOT_HIDDEN, *tables, *query, stdin=json.dumps(document)
        )
    return run.err.splitlines()


def traced(
    opa: Path,
    data: Sequence[Path],
    query: str,
    document: Mapping[str, Any] | None = None,
    tables: Tables = NO_TABLES,
) -> Any:
    """Return each step of OPA's as it evaluates a query, rules that an index rules out included.

    Raises OpaFailed, also where it takes long: a trace is many times slower than an evaluation.
    """
    options = ("--explain=full", "--disable-indexing", "--format=json", NOT_HIDDEN, "--stdin-input")
    folders = [argument for folder in data for argument in ("--data", folder)]
    with capabilities(opa) as allowed, beside(tables) as more:
        run = run_opa(
            opa,
            "eval",
            f"--capabilities={allowed}",
            *options,
            *folders,
            *more,
            query,
            stdin=json.dumps(document or {}),
            seconds=_TRACED_SECONDS,
        )
    return run.document().get("explanation") or []


def _run(
    opa: Path, engine: str, policy: Path, folders: Sequence[Path], seconds: float, options: Sequence[str]
) -> TestReport:
    results = _test(opa, folders, *options, "--format=json", f"--timeout={seconds:g}s") or []
    outcomes = [outcome for result in results for outcome in _outcomes(result)]
    if not outcomes or any(outcome.error for outcome in outcomes):
        return TestReport(engine, outcomes)
    longer = f"--timeout={seconds * _COVERED_IS_SLOWER:g}s"
    covered = _test(opa, folders, *options, *_COVERAGE, "--format=json", longer)
    return TestReport(engine, outcomes, sorted(set(_not_covered(policy, covered))))


def _test(opa: Path, folders: Sequence[Path], *options: str) -> Any:
    run = run_opa(opa, "test", NOT_HIDDEN, *options, *folders, seconds=_TOTAL_SECONDS)
    if run.code not in (0, 2) or not run.out.strip():
        raise ConfigError(f"the tests cannot be run: {_complaint(run)}")
    return run.document()


def _complaint(run: OpaRun) -> str:
    return explained((run.err.strip() or run.out.strip())[:4000]) or f"opa test ended with {run.code}"


def _outcomes(result: dict[str, Any]) -> Iterator[Outcome]:
    place = result.get("location") or {}
    name = str(result["name"]).partition("#")[0]  # OPA numbers the bodies of one rule

    def outcome(case: str, error: str, seconds: float, printed: str = "") -> Outcome:
        return Outcome(
            name=f"{result['package']}.{name}",
            case=case,
            error=error,
            file=str(place.get("file", "")),
            line=int(place.get("row", 0)),
            seconds=seconds,
            skipped=bool(result.get("skip")),
            printed=printed,
        )

    taken = result.get("duration", 0) / 1e9
    printed = base64.b64decode(result.get("output") or "").decode("utf-8", "replace")
    cases = result.get("sub_results") or {}
    if "error" in result:
        late = result["error"].get("code") == _LATE
        yield outcome(
            "", DID_NOT_END if late else str(result["error"].get("message", "failed")), taken, printed
        )
    elif cases:
        for number, (case, about) in enumerate(sorted(cases.items())):
            error = "not true" if about.get("fail") else ""
            yield outcome(case, error, taken / len(cases), "" if number else printed)
    else:
        yield outcome("", "not true" if result.get("fail") else "", taken, printed)


def _not_covered(policy: Path, report: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield lines of the policy that no test ran; the tests' own lines do not count."""
    for file, lines in sorted((report.get("files") or {}).items()):
        if Path(file).resolve().is_relative_to(policy):
            for span in lines.get("not_covered") or []:
                yield file, int(span["start"]["row"])
