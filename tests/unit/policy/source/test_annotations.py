"""METADATA blocks, and the code that each describes."""

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy.source.annotations import metadata

FILE = Path("rules/night.rego")
TEXT = """# a comment
# METADATA
# title: Night
package regate.rules.night

# METADATA
# title: Closed
# custom: {severity: low}
verdicts contains 1 if true
"""


def test_each_block_has_its_line_and_the_code_below_it() -> None:
    package, rule = metadata(FILE, TEXT)
    assert (package.line, package.about, package.code.strip()) == (
        2,
        {"title": "Night"},
        "package regate.rules.night",
    )
    assert (rule.line, rule.custom("severity"), rule.custom("remedy", None)) == (6, "low", None)


def test_blocks_below_the_package_are_not_read_where_the_package_alone_is_asked_for() -> None:
    text = TEXT.replace("title: Closed", "title: [Closed")
    assert [block.line for block in metadata(FILE, text, of_package=True)] == [2]
    assert list(metadata(FILE, "package regate\n", of_package=True)) == []


def test_a_block_that_is_no_yaml_is_refused_with_file_and_line() -> None:
    with pytest.raises(ConfigError, match=r"rules/night\.rego:6: METADATA is not valid YAML"):
        list(metadata(FILE, TEXT.replace("title: Closed", "title: [Closed")))
