"""What a terminal is sent, with a real stream at the other end."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from cli.screen import block, guarded, line, printable, spelled
from tests.support.prefork import ROOT

STEERING = "gpt\x1b[2J\u202e"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where stdout goes."""
    return tmp_path / "out"


@contextmanager
def printed_to(file: Path) -> Iterator[None]:
    with file.open("w", encoding="utf-8") as out, redirect_stdout(out):
        yield
        assert sys.stdout is out, "the stream was not given back"


def test_text_is_spelled_out_as_json_does_and_shown_to_people_with_a_mark() -> None:
    """Line feeds and tabs stay, but not on one line; a block's later lines are moved to the right."""
    assert spelled(f"{STEERING}\n\té\U000e0041") == "gpt\\u001b[2J\\u202e\n\té\\udb40\\udc41"
    assert printable(f"{STEERING}\n") == "gpt\ufffd[2J\ufffd\n"
    assert line("a\n\tb") == "a\ufffd\ufffdb"
    assert block("a\nb") == "a\n    b"


def test_what_is_printed_in_the_block_is_guarded_and_what_comes_after_is_not(file: Path) -> None:
    with printed_to(file):
        print("\x1b before")
        with guarded():
            print(STEERING)
        print("\x1b after")
    assert file.read_bytes() == b"\x1b before\ngpt\\u001b[2J\\u202e\n\x1b after\n"


def test_a_block_in_a_block_guards_once(file: Path) -> None:
    """The inner one leaves the guard of the outer one in place."""
    with printed_to(file), guarded():
        guard = sys.stdout
        with guarded():
            assert sys.stdout is guard
            print("\\u001b\x1b")
        print("\x1b")
    assert file.read_bytes() == b"\\u001b\\u001b\n\\u001b\n"


def test_an_exception_gives_the_stream_back(file: Path) -> None:
    def fail() -> None:
        with guarded():
            print("said")
            raise KeyError

    with printed_to(file), pytest.raises(KeyError):
        fail()
    assert file.read_bytes() == b"said\n"


def test_colors_are_for_a_terminal_alone(file: Path) -> None:
    colored = "\x1b[1;31mred\x1b[0m \x1b[2J"
    with printed_to(file), guarded():
        print(colored)
    assert file.read_bytes() == b"\\u001b[1;31mred\\u001b[0m \\u001b[2J\n"

    program = f"from cli.screen import guarded\nwith guarded(): print({colored!r})"
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", program], stdout=theirs, check=True, cwd=ROOT)
        assert os.read(ours, 100) == b"\x1b[1;31mred\x1b[0m \\u001b[2J\r\n"
    finally:
        os.close(theirs)
        os.close(ours)
