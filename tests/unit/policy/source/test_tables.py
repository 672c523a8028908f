"""Tables are read strictly, checked against the schema beside them, and named by digests of their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.policy.source.tables import NO_TABLES, prints, read_tables

USERS = {"dana": {"team": "red", "level": 3}, "eve": {"team": "blue", "level": 1}}
ROWS = {"type": "object", "properties": {"team": {"enum": ["red", "blue"]}, "level": {"type": "integer"}}}


def written(folder: Path, **files: Any) -> Path:
    """Write files, whose names have `__` for a dot."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def content(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read_tables(folder).content)
    del found["_revisions"]
    return found


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    written(tmp_path, a__json=USERS, b__yaml=json.dumps(USERS), c__csv="id,team\ndana,red\n", d__yml="[1, 2]")
    rows = {"dana": {"team": "red"}}
    assert content(tmp_path) == {"a": USERS, "b": USERS, "c": rows, "d": [1, 2]}


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert read_tables(tmp_path / "none") is NO_TABLES
    assert read_tables(tmp_path) is NO_TABLES


def test_notes_and_hidden_files_are_none(tmp_path: Path) -> None:
    assert content(written(tmp_path, README__md="# Tables", __hidden__json="[", a__json={})) == {"a": {}}


def test_each_table_has_a_revision_of_its_own(tmp_path: Path) -> None:
    before = read_tables(written(tmp_path, a__json=USERS, b__json={}))
    assert json.loads(before.content)["_revisions"] == before.revisions
    after = read_tables(written(tmp_path, b__json={"x": 1}))
    assert after.revisions["a"] == before.revisions["a"]
    assert after.revisions["b"] != before.revisions["b"]


def test_prints_change_with_a_table_and_with_a_schema(tmp_path: Path) -> None:
    seen = [tuple(prints(written(tmp_path, a__json={})))]
    for files in ({"a__json": {"x": 1}}, {"a__schema__json": {}}, {"b__csv": "id\n"}):
        seen.append(tuple(prints(written(tmp_path, **files))))
    assert len(set(seen)) == 4


def test_a_table_is_what_its_schema_says(tmp_path: Path) -> None:
    schema = {"type": "object", "additionalProperties": ROWS}
    assert content(written(tmp_path, users__json=USERS, users__schema__json=schema)) == {"users": USERS}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"users__json": "{"}, r"users\.json:1: not valid JSON"),
        ({"users__json": '{"a": 1, "a": 2}'}, "users.json"),
        ({"users__json": "NaN"}, "users.json"),
        ({"users__json": "7"}, "expected a mapping or a list"),
        ({"users__yaml": "a: [\n"}, r"users\.yaml:2: not valid YAML"),
        ({"users__yaml": "1: x\n"}, "put it in quotes"),
        ({"users__csv": "id,team\ndana\n"}, r"users\.csv:2: found 1 columns, expected 2"),
        (
            {"users__csv": "id,team\ndana,red\ndana,blue\n"},
            r"users\.csv:3: another row begins with the same id",
        ),
        ({"users__csv": "id,id\n"}, r"users\.csv:1: expected a name for each column"),
        ({"users__csv": ""}, r"users\.csv:1: expected a name for each column"),
        ({"users__csv": 'id,team\n"dana,red\n'}, "not valid CSV"),
        ({"users__json": {}, "users__yaml": "{}"}, "another file is the table users too"),
        ({"users__parquet": ""}, "expected a table called"),
        ({"Users__json": {}}, "expected a table called"),
        ({"_revisions__json": {}}, "expected a table called"),
        ({"users": ""}, "expected a table called"),
        (
            {
                "users__json": {"eve": {"team": "green"}},
                "users__schema__json": {"additionalProperties": ROWS},
            },
            r"users\.json: eve\.team: 'green' is not one of .*; expected what users\.schema\.json says",
        ),
        ({"users__json": {}, "users__schema__json": {"type": 7}}, r"schema\.json: this is no JSON Schema"),
        (
            {"users__json": {}, "users__schema__json": {"$ref": "https://evil.example/x"}},
            r"schema\.json: this is no JSON Schema",
        ),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_tables(written(tmp_path, **files))


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "users.json")
    with pytest.raises(ConfigError, match="expected a plain file"):
        read_tables(tmp_path)
