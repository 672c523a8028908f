"""The reference names every error code and every metric."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import Refusal

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
METRIC = re.compile(r'"(regate_[a-z_]+)"')


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == "gateway.errors":
            yield from refusals(each)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda refusal: refusal.__name__)
def test_every_code_is_listed_with_its_status(refusal: type[Refusal]) -> None:
    assert f"| {refusal.status} | `{refusal.code}` |" in (REFERENCE / "errors.md").read_text("utf-8")


@pytest.mark.parametrize("file", ["gateway/observe/metrics.py", "gateway/policy/gauges.py"])
def test_every_metric_is_listed(file: str) -> None:
    names = METRIC.findall((ROOT / file).read_text("utf-8"))
    pages = (REFERENCE / "metrics.md").read_text("utf-8") + (REFERENCE / "bundles.md").read_text("utf-8")
    assert names
    assert [name for name in names if name not in pages] == []
