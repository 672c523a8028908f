"""What the reports of the SDKs' test runners say, by area."""

from __future__ import annotations

import json
from pathlib import Path

from suites.sdks import _lost, _of_jest, _of_pytest, _open_places

_JUNIT = """<testsuites><testsuite>
<testcase classname="tests.api_resources.chat.test_completions.TestCompletions" name="test_list[strict]"/>
<testcase classname="tests.api_resources.beta.threads.test_runs.TestRuns" name="test_create">
<failure message="Error code: 403"/></testcase>
<testcase classname="tests.api_resources.test_models.TestModels" name="test_list"><skipped/></testcase>
</testsuite></testsuites>"""


def test_reports_of_pytest_are_read_by_area(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text(_JUNIT)
    assert dict(_of_pytest(report)) == {
        "chat/chat.completions.TestCompletions::test_list[strict]": True,
        "beta.threads/beta.threads.runs.TestRuns::test_create": False,
        "models/models.TestModels::test_list": False,
    }


def test_reports_of_jest_are_read_by_area(tmp_path: Path) -> None:
    report, tests = tmp_path / "report", tmp_path / "tests/api-resources"
    cases = [{"fullName": "models list", "status": "passed"}, {"fullName": "models get", "status": "failed"}]
    files = [{"name": str(tests / "models.test.ts"), "assertionResults": cases}]
    report.write_text(json.dumps({"testResults": files}))
    assert dict(_of_jest(report, tests)) == {
        "models/models::models list": True,
        "models/models::models get": False,
    }


def test_what_passes_direct_alone_is_lost() -> None:
    direct = {"models/a": True, "models/b": True, "models/c": False, "evals/d": True}
    assert _lost(direct, {"models/a": True, "models/b": False}, {"models"}) == ["models/b"]
    assert _lost(direct, {}, {"evals"}) == ["evals/d"]


def test_only_open_areas_run_under_the_shipped_policy(tmp_path: Path) -> None:
    for name in ("chat/completions", "test_models.py", "test_evals.py", "beta/messages", "beta/threads"):
        (tmp_path / name).mkdir(parents=True)
    api, places = "anthropic", ["beta/messages", "test_models.py"]
    assert [str(Path(one).relative_to(tmp_path)) for one in _open_places(tmp_path, api)] == places
