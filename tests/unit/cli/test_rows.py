"""How rows reach a file."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import pytest

from cli.rows import Format, inert, text_output, whole_file, write_rows
from gateway.audit.reading import Result
from gateway.errors import ConfigError


def result() -> Result:
    return Result(("name", "count"), ("VARCHAR", "BIGINT"), iter([["=1+1", 2], ["plain", 10**30]]))


def test_csv_gives_a_spreadsheet_no_formula() -> None:
    """Numbers stay numbers."""
    file = io.StringIO()
    write_rows(result(), Format.CSV, file)
    assert file.getvalue() == f"name,count\r\n'=1+1,2\r\nplain,{10**30}\r\n"
    assert [inert(cell) for cell in ("-1", "+2.5e3", "-x", "@a", " =a", "\uff1da")] == [
        "-1", "+2.5e3", "'-x", "'@a", "' =a", "'\uff1da",
    ]  # fmt: skip


def test_json_is_one_array() -> None:
    """Of no row as well."""
    file, empty = io.StringIO(), io.StringIO()
    write_rows(result(), Format.JSON, file)
    write_rows(Result(("a",), ("INTEGER",), iter([])), Format.JSON, empty)
    assert json.loads(file.getvalue()) == [{"name": "=1+1", "count": 2}, {"name": "plain", "count": 10**30}]
    assert json.loads(empty.getvalue()) == []


class Terminal(io.StringIO):
    """Text that goes to a terminal, whose width is in COLUMNS."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_cell_is_cut_whatever_the_width_of_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    values = [f"ex_{'abcdefgh' * 3}{number}" for number in range(4)]
    names = ("exchange_id", "decision_id", "approval_id", "session_id")
    wide = Result(names, ("VARCHAR",) * 4, iter([values, values]))
    file = Terminal()
    write_rows(wide, Format.TABLE, file)
    assert [file.getvalue().count(value) for value in values] == [2] * 4
    is_table = len(file.getvalue().splitlines()) == 3
    assert is_table == (width == 200)
    if not is_table:
        assert file.getvalue().splitlines()[:2] == ["-- 1", f"exchange_id  {values[0]}"]


def test_rows_are_written_vertically_when_that_is_asked_for() -> None:
    file = io.StringIO()
    write_rows(result(), Format.VERTICAL, file)
    assert file.getvalue() == f"-- 1\nname   =1+1\ncount  2\n-- 2\nname   plain\ncount  {10**30}\n"


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    """It may hold what was said."""
    out = tmp_path / "rows"
    with text_output(out) as file:
        file.write("text")
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="cannot be written"), text_output(tmp_path / "none" / "rows"):
        pass


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """What failed leaves the old one, and nothing beside it."""
    out = tmp_path / "rows"
    out.write_bytes(b"old")
    with suppress(ValueError), whole_file(out) as file:
        file.write(b"new")
        raise ValueError("half way")
    assert out.read_bytes() == b"old"
    with whole_file(out) as file:
        file.write(b"new")
    assert out.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
