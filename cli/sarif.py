"""SARIF 2.1.0, in which findings in files reach code scanning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway import __version__

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(tool: str, rules: Mapping[str, str], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the log of one run; `rules` says what each `ruleId` of the results means."""
    told = [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()]
    driver = {"name": tool, "version": __version__, "rules": told}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_place(file: str, line: int) -> dict[str, Any]:
    """Return a result's location; `file` is named from the repository's root."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": max(1, line)},
        }
    }
