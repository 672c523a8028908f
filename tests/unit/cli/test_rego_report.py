"""The outcome of a run of policy tests."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli import rego_report
from cli.rego_report import Outcome, write_junit

made = rego_report.TestReport  # pytest would take the name for a test's
PASSED, FAILED = Outcome("data.a.test_x"), Outcome("data.a.test_y", "case", "not true", "a_test.rego", 3)


@pytest.mark.parametrize(
    ("report", "passed", "last"),
    [
        (made("opa", [PASSED], []), True, "PASS: 1/1 by opa; coverage: 100 %"),
        (
            made("opa", [PASSED], [("a.rego", 2)]),
            False,
            "PASS: 1/1 by opa; coverage: 1 places without a test",
        ),
        (made("opa", [PASSED, FAILED]), False, "FAIL: 1/2 by opa; coverage: unknown until all pass"),
        (made("opa", [], []), False, "no tests: expected rules test_… in *_test.rego"),
    ],
)
def test_the_summary_says_what_failed_and_what_no_test_runs(
    report: rego_report.TestReport, passed: bool, last: str
) -> None:
    assert report.passed is passed
    assert report.document()["passed"] is passed
    assert report.lines()[-1] == last


def test_junit_has_a_case_for_each_outcome_and_for_coverage(tmp_path: Path) -> None:
    write_junit(made("opa", [PASSED, FAILED], [("a.rego", 2)]), tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert [case.get("name") for case in suite] == ["test_x", "test_y[case]", "every line is run"]
