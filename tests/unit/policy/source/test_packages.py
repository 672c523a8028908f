"""The package of each file, and where verdicts may stand."""

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy.source.packages import check_packages


def test_each_module_is_named_with_its_package() -> None:
    faults: list[ConfigError] = []
    modules = {
        "a.rego": "package regate\n",
        "b.rego": "# b\npackage regate.rules.b\nverdicts contains 1 if true\n",
    }
    assert check_packages(Path("rego"), modules, faults) == {"a.rego": "regate", "b.rego": "regate.rules.b"}
    assert faults == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("package system.authz", r"rego/a\.rego:1: found package system\.authz"),
        ("\n x := 1", r"rego/a\.rego:2: expected a package declaration"),
        ("package regate\u2028", r"rego/a\.rego:1: found the control character"),
        ("package regate.rules.a", r"has no verdicts"),
        ("package regate.lib.a\nverdicts contains 1 if true", r"which have no effect there"),
    ],
)
def test_a_fault_is_gathered_with_its_place(text: str, fault: str) -> None:
    faults: list[ConfigError] = []
    check_packages(Path("rego"), {"a.rego": text}, faults)
    with pytest.raises(ConfigError, match=fault):
        raise faults[0]
