"""`opa test`, with its results and its coverage as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cli.policy.opa import NOT_HIDDEN, OpaRun, capabilities, run_opa
from cli.rego_report import Outcome, TestReport
from gateway.errors import ConfigError
from gateway.policy import opa_version
from gateway.policy.engine import explained

_TOTAL_SECONDS = 600.0
_COVERED_IS_SLOWER = 6
_LATE = "eval_cancel_error"  # its message depends on the built-in that was stopped
_DID_NOT_END = "did not end in time"
# Without the two more runs that say why a line is not covered: which lines they are, one run says.
_COVERAGE = ("--coverage", "--coverage-runs=")


def run_tests(opa: Path, policy: Path, folders: Sequence[Path], seconds: float) -> TestReport:
    """OpaRun every test for so many seconds at most, then see which lines of `policy` they run.

    Raises ConfigError when the files cannot be compiled, OpaFailed when OPA does not end.
    """
    engine = f"opa {opa_version(opa)}"
    with capabilities(opa) as allowed:
        return _run(opa, engine, policy.resolve(), folders, seconds, f"--capabilities={allowed}")


def _run(
    opa: Path, engine: str, policy: Path, folders: Sequence[Path], seconds: float, allowed: str
) -> TestReport:
    results = _test(opa, folders, allowed, "--format=json", f"--timeout={seconds:g}s") or []
    outcomes = [outcome for result in results for outcome in _outcomes(result)]
    if not outcomes or any(outcome.error for outcome in outcomes):
        return TestReport(engine, outcomes)
    covered = _test(
        opa, folders, allowed, *_COVERAGE, "--format=json", f"--timeout={seconds * _COVERED_IS_SLOWER:g}s"
    )
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

    def outcome(case: str, error: str, seconds: float) -> Outcome:
        return Outcome(
            name=f"{result['package']}.{name}",
            case=case,
            error=error,
            file=str(place.get("file", "")),
            line=int(place.get("row", 0)),
            seconds=seconds,
            skipped=bool(result.get("skip")),
        )

    taken = result.get("duration", 0) / 1e9
    cases = result.get("sub_results") or {}
    if "error" in result:
        late = result["error"].get("code") == _LATE
        yield outcome("", _DID_NOT_END if late else str(result["error"].get("message", "failed")), taken)
    elif cases:
        for case, about in sorted(cases.items()):
            yield outcome(case, "not true" if about.get("fail") else "", taken / len(cases))
    else:
        yield outcome("", "not true" if result.get("fail") else "", taken)


def _not_covered(policy: Path, report: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield lines of the policy that no test ran; the tests' own lines do not count."""
    for file, lines in sorted((report.get("files") or {}).items()):
        if Path(file).resolve().is_relative_to(policy):
            for span in lines.get("not_covered") or []:
                yield file, int(span["start"]["row"])
