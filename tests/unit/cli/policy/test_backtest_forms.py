"""A report in Markdown says what it means whatever agents are called, and one in SARIF has its form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from markdown_it import MarkdownIt

from cli.policy.backtest_forms import Backtested, markdown, sarif
from gateway.candidate import BacktestReport, Cell, Example, Transition, parse_fail_on
from gateway.policy import PolicySource

HOSTILE = "<img src=x>`**@team** [x](http://evil.example) | #1\n# Approved"
SOURCE = PolicySource(
    Path("/p"), {"rules/night.rego": 'package x\n\nv contains {"rule": "night.no"}\n'}, b"{}", "r1"
)
# What GitHub's code scanning and the standard (SARIF 2.1.0) want of the parts that are written here.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
URI = {"type": "string", "pattern": r"^(?!/)[^\s\\]+$"}
REGION = {
    "type": "object",
    "required": ["startLine"],
    "properties": {"startLine": {"type": "integer", "minimum": 1}},
}
PLACE = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"type": "object", "required": ["uri"], "properties": {"uri": URI}},
        "region": REGION,
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "level", "message", "locations"],
    "properties": {
        "ruleId": {"type": "string"},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["physicalLocation"],
                "properties": {"physicalLocation": PLACE},
            },
        },
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {"results": {"type": "array", "items": RESULT}},
            },
        },
    },
}


def told(**changes: Any) -> Backtested:
    reason = {"rule": "night.no", "title": "T", "message": HOSTILE}
    report = BacktestReport("r1", "embedded", 3)
    for transition, said in (
        (Transition("allow", "deny"), Example("ex_1", "dec_1", HOSTILE, "request", "2026", (reason,))),
        (Transition("allow", "error"), Example("ex_2", "dec_2", "bot", "request", "2026", error="late")),
        (Transition("mask", "mask", ("record",)), Example("ex_3", "dec_3", "bot", "response", "2026")),
    ):
        report.cells[transition] = Cell(transition, 1, [said])
    known = {"gates": parse_fail_on("allow:deny"), "uncovered": [("rules/night.rego", 3)]}
    return Backtested(report, **{**known, **changes}, source=SOURCE, folder="policies/rego")


def test_what_others_wrote_is_text_in_a_comment() -> None:
    page = MarkdownIt("gfm-like").render(markdown(told()))
    assert "<img src=x>" not in page
    for markup in ("<strong>@team", 'evil.example"', "<h1>"):
        assert markup not in page
    assert "&lt;img src=x&gt;" in page
    assert page.count("<tr>") == 4


@pytest.mark.parametrize(
    ("uncovered", "words"),
    [
        (None, "is not known"),
        ([], "runs every line"),
        ([("a.rego", n) for n in range(60)], "39 and 20 more"),
    ],
)
def test_lines_without_traffic_are_told(uncovered: Any, words: str) -> None:
    assert words in markdown(told(uncovered=uncovered))


def test_a_long_comment_is_cut_to_what_a_pull_request_takes() -> None:
    long = told()
    cell = long.report.cells[Transition("mask", "mask", ("record",))]
    cell.examples *= 2_000
    text = markdown(long)
    assert len(text) < 65_536
    assert text.endswith("Cut here: the whole report has more.\n")


def test_the_report_has_the_form_of_sarif() -> None:
    document = json.loads(json.dumps(sarif(told())))
    Draft7Validator(SARIF).validate(document)
    (run,) = document["runs"]
    described = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert described == sorted({result["ruleId"] for result in run["results"]})
    assert len(set(described)) == len(described)
    first = run["results"][0]
    assert (first["level"], first["ruleId"]) == ("error", "allow:deny")
    assert (
        first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "policies/rego/rules/night.rego"
    )
    assert first["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    assert "\n" not in first["message"]["text"]
