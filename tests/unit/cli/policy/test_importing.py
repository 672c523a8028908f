"""A library of other packages decides as before under its new name, and its references lead to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.importing import read_library
from gateway.errors import ConfigError

AUTHZ = """package acme.authz

import data.acme.util

default allow := false

allow if {
	"é" == "é"; input.user in data.acme.admins
	util.even(data.limits.n)
}

_own := data.acme.util.names
"""
UTIL = """# METADATA
# title: Helpers
# description: Small things.
package acme.util

even(n) if n % 2 == 0

names := ["data.acme.util"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "authz.rego").write_text(AUTHZ)
    (tmp_path / "util.rego").write_text(UTIL)
    (tmp_path / "util_test.rego").write_text("package acme.util\n\ntest_x := true\n")
    (tmp_path / "limits.json").write_text('{"limits": {"n": 2}}')
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/data.yaml").write_text("admins: [dana]\n")
    return tmp_path


def test_packages_references_and_data_move_together(folder: Path, opa: Path) -> None:
    library = read_library(opa, folder, "ours")
    assert library.files.keys() == {
        "lib/ours/authz.rego", "lib/ours/util.rego", "settings/ours/data.json",
        "settings/ours/acme/data.json",
    }  # fmt: skip
    authz = library.files["lib/ours/authz.rego"]
    for line in (
        "package regate.lib.ours.acme.authz",
        "import data.regate.lib.ours.acme.util",
        '\t"é" == "é"; input.user in data.settings.ours.acme.admins',
        "\tutil.even(data.settings.ours.limits.n)",
        "_own := data.regate.lib.ours.acme.util.names",
        "#   - data.settings.ours: {type: object}",
    ):
        assert line in authz.splitlines(), authz
    assert 'names := ["data.acme.util"]' in library.files["lib/ours/util.rego"]
    assert library.calls == [
        "data.regate.lib.ours.acme.authz.allow",
        "data.regate.lib.ours.acme.util.even",
        "data.regate.lib.ours.acme.util.names",
    ]
    assert len(library.left_out) == 1


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("old.rego", "package old\n\nallow { input.x }\n", "this is Rego v0; .*opa fmt --write --rego-v1"),
        ("broken.rego", "package broken\n\nallow if {\n", "cannot be read"),
        ("all.rego", "package all\n\nallow if data[input.x]\n", "without a fixed name behind it"),
        (
            "part.rego",
            "package part\n\nallow if data.elsewhere.x\n",
            "part.rego:3: data.elsewhere.x is no package",
        ),
        ("more.json", "{}", "expected one data file in each folder"),
    ],
)
def test_what_cannot_be_moved_is_told(folder: Path, opa: Path, name: str, text: str, why: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(ConfigError, match=why):
        read_library(opa, folder, "ours")


@pytest.mark.parametrize("name", ["limits/data.yaml", "more.rego", "x_test.rego"])
def test_a_link_out_of_the_library_is_told(
    folder: Path, opa: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """What is copied is committed."""
    own = tmp_path_factory.mktemp("own") / "mine.yaml"
    own.write_text("password: hunter2")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(own)
    with pytest.raises(ConfigError, match=f"{name}: leads out of"):
        read_library(opa, folder, "ours")
