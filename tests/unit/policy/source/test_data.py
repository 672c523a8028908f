"""Data files are read strictly and merged as OPA merges them."""

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.policy.source.data import graft, parse_data, to_json


@pytest.mark.parametrize(("name", "text"), [("data.yaml", "a: [1, no]"), ("data.json", '{"a": [1, "no"]}')])
def test_yaml_and_json_say_the_same(name: str, text: str) -> None:
    assert to_json(parse_data(Path(name), text)) == b'{"a":[1,"no"]}'


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("more.yaml", "a: 1", "expected data in a file called data.yaml or data.json"),
        ("data.json", '{"a": 1, "a": 2}', "a key is given twice"),
        ("data.json", "{", r"data\.json:1: not valid JSON"),
        ("data.yaml", "a: [", r"data\.yaml:\d: not valid YAML"),
        ("data.yaml", "1: a", "found 1 as a name"),
        ("data.json", '{"a": NaN}', "found nan"),
    ],
)
def test_other_data_are_refused(name: str, text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_data(Path(name), text)


def test_files_are_merged_at_their_folders_and_never_over_each_other() -> None:
    data: dict[str, Any] = {}
    graft(data, Path("rego"), "settings/data.yaml", {"a": 1})
    graft(data, Path("rego"), "settings/night/data.yaml", {"b": 2})
    assert data == {"settings": {"a": 1, "night": {"b": 2}}}
    with pytest.raises(ConfigError, match=r"settings\.a is in another data file too"):
        graft(data, Path("rego"), "settings/data.json", {"a": 1})
    with pytest.raises(ConfigError, match="found data outside settings/"):
        graft(data, Path("rego"), "data.yaml", {"a": 1})
