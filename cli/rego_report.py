"""The outcome of a run of policy tests: as text, as JUnit's XML, as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gateway.errors import ConfigError

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test, or one case of a test `test_x[case]`; `error` is "" when it passed.

    `printed` is what `print()` said in the test, with that of its other cases, which only the first one has.
    """

    name: str
    case: str = ""
    error: str = ""
    file: str = ""
    line: int = 0
    seconds: float = 0.0
    skipped: bool = False
    printed: str = ""

    @property
    def title(self) -> str:
        return f"{self.name}[{self.case}]" if self.case else self.name


@dataclass(frozen=True, slots=True)
class TestReport:
    """All of them, and the places of the policy (file, line) that no test runs.

    `not_covered` is None where a test failed: coverage is unknown then.
    """

    engine: str
    outcomes: Sequence[Outcome]
    not_covered: Sequence[tuple[str, int]] | None = None

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.error]

    @property
    def passed(self) -> bool:
        """Whether there are tests, all pass, and together they run every line of the policy."""
        return bool(self.outcomes) and not self.failures and self.not_covered == []

    def lines(self) -> list[str]:
        """Return the summary; before it what was printed, and what failed."""
        printed = [f"{each.name}: {line}" for each in self.outcomes for line in each.printed.splitlines()]
        failed = [f"FAIL {each.file}:{each.line}: {each.title}: {each.error}" for each in self.failures]
        missed = [f"{file}:{line}: no test runs this" for file, line in self.not_covered or ()]
        run = [outcome for outcome in self.outcomes if not outcome.skipped]
        skipped = len(self.outcomes) - len(run)
        told = f"FAIL: {len(failed)}" if failed else f"PASS: {len(run)}"
        summary = f"{told}/{len(run)} by {self.engine}"
        summary += f", {skipped} not run (todo_)" if skipped else ""
        if not self.outcomes:
            summary = "no tests: expected rules test_… in *_test.rego"
        elif self.not_covered is None:
            summary += "; coverage: unknown until all pass"
        else:
            summary += (
                "; coverage: 100 %" if not missed else f"; coverage: {len(missed)} places without a test"
            )
        return [*printed, *failed, *missed, summary]

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "passed": self.passed,
            "engine": self.engine,
            "tests": [asdict(outcome) for outcome in self.outcomes],
            "not_covered": None
            if self.not_covered is None
            else [{"file": file, "line": line} for file, line in self.not_covered],
        }


def write_junit(report: TestReport, path: Path) -> None:
    """Write JUnit's XML; lines that no test runs are a failed test case of their own. Raises ConfigError."""
    suite = ElementTree.Element(
        "testsuite",
        name="regate policy test",
        tests=str(len(report.outcomes) + 1),
        failures=str(len(report.failures) + bool(report.not_covered)),
        skipped=str(sum(outcome.skipped for outcome in report.outcomes)),
        time=f"{sum(outcome.seconds for outcome in report.outcomes):.3f}",
    )
    for outcome in report.outcomes:
        package, _, rule = outcome.title.rpartition(".test_")
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_xml(package),
            name=_xml(f"test_{rule}"),
            file=_xml(outcome.file),
            line=str(outcome.line),
            time=f"{outcome.seconds:.3f}",
        )
        if outcome.printed:
            ElementTree.SubElement(case, "system-out").text = _xml(outcome.printed)
        if outcome.error:
            ElementTree.SubElement(case, "failure", message=_xml(outcome.error))
        elif outcome.skipped:
            ElementTree.SubElement(case, "skipped")
    coverage = ElementTree.SubElement(suite, "testcase", classname="coverage", name="every line is run")
    if report.not_covered:
        places = [f"{file}:{line}" for file, line in report.not_covered]
        failure = ElementTree.SubElement(coverage, "failure", message=f"{len(places)} places without a test")
        failure.text = _xml("\n".join(places))
    elif report.not_covered is None:
        ElementTree.SubElement(coverage, "skipped")
    try:
        ElementTree.ElementTree(suite).write(path, "utf-8", xml_declaration=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
