"""Which policy files may be used, and how a refusal names the file and the line."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.source.files import fingerprint
from tests.unit.policy.conftest import LIBRARY


def test_the_library_has_modules_and_settings() -> None:
    source = load_source(LIBRARY)
    assert "main.rego" in source.modules
    assert source.data["settings"]["groups"]["default"]["models"] == ["*"]
    assert len(source.revision) == 32


def test_equal_files_have_equal_revisions_wherever_they_are(policy: Path) -> None:
    assert load_source(policy).revision == load_source(LIBRARY).revision


@pytest.mark.parametrize("name", ["main.rego", "settings/data.yaml"])
def test_any_edit_is_another_revision(policy: Path, name: str) -> None:
    before, seen = load_source(policy).revision, fingerprint(policy)
    (policy / name).write_text((policy / name).read_text() + "# a comment\n")
    assert load_source(policy).revision != before
    assert fingerprint(policy) != seen


@pytest.mark.parametrize(
    "text",
    [
        "package other\n",
        "package system.authz\n\ndefault allow := true\n",
        "# METADATA\n# title: x\n\npackage system.authz\n",
        "package regatex.rules\n",
        "package regate2\n",
        "package data.regate\n",
    ],
)
def test_a_package_outside_regate_is_refused(policy: Path, text: str) -> None:
    (policy / "rules" / "mine.rego").write_text(text)
    with pytest.raises(ConfigError, match=r"rules/mine\.rego:\d+: found package"):
        load_source(policy)


@pytest.mark.parametrize(
    "package",
    [
        "regate.rules",
        "regate.rules.a.b",
        "regate.rule.freeze",
        "regate.ruless.freeze",
        "regate.lib",
        "regate.x",
    ],
)
def test_a_rule_where_main_does_not_listen_is_refused(policy: Path, package: str) -> None:
    verdict = f"package {package}\n\nverdicts contains v if {{\n\tv := data.settings\n}}\n"
    (policy / "rules" / "freeze.rego").write_text(verdict)
    with pytest.raises(ConfigError, match=rf"rules/freeze\.rego:1: found package {package}; expected"):
        load_source(policy)


@pytest.mark.parametrize(
    "name", ["freeze.REGO", "freeze.Rego", "freeze.rego.disabled", "freeze.reg", "freeze", "freeze.yaml.bak"]
)
def test_a_file_that_would_be_left_out_is_refused(policy: Path, name: str) -> None:
    (policy / "rules" / name).write_text("package regate.rules.freeze\n")
    with pytest.raises(ConfigError, match=rf"{name}: would be left out"):
        load_source(policy)
    with pytest.raises(ConfigError, match=rf"{name}: would be left out"):
        fingerprint(policy)


def test_a_link_to_a_folder_is_refused(policy: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "freeze.rego").write_text("package regate.rules.freeze\n")
    (policy / "rules" / "team").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="rules/team: found a link to a folder"):
        load_source(policy)


def test_a_folder_that_cannot_be_listed_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is for its owner alone
        Path(folder).chmod(0o755)
        policy = Path(folder, "rego")
        shutil.copytree(LIBRARY, policy)
        (policy / "rules").chmod(0)
        try:
            with as_nobody(), pytest.raises(ConfigError, match="rules: cannot be read: Permission denied"):
                load_source(policy)
        finally:
            (policy / "rules").chmod(0o755)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a comment\n",
        "x := 1\n",
        "package\nregate\n",
        'package regate["rules"]\n',
        "package regate; x := 1\n",
        "import data.x\npackage regate\n",
        "# a\rpackage regate\npackage system.authz\n",
        "# a\u2028package regate\npackage system.authz\n",
        "# a\x85package regate\npackage system.authz\n",
        "\ufeffpackage regate\n",
        "package regate\x00\n",
    ],
)
def test_a_package_line_that_an_engine_might_read_otherwise_is_refused(policy: Path, text: str) -> None:
    (policy / "mine.rego").write_bytes(text.encode())
    with pytest.raises(ConfigError, match=r"mine\.rego:\d+: (expected a package|found the control)"):
        load_source(policy)


@pytest.mark.parametrize("text", ["package regate # ours\r\n", "\n# c\n\tpackage regate.lib.mine  \n"])
def test_comments_blanks_and_crlf_around_the_package_are_fine(policy: Path, text: str) -> None:
    (policy / "lib" / "mine.rego").write_bytes(text.encode())
    assert "lib/mine.rego" in load_source(policy).modules


def test_a_topic_that_misspells_verdicts_is_refused(policy: Path) -> None:
    (policy / "rules" / "mine.rego").write_text("package regate.rules.mine\n\nverdict contains 1 if true\n")
    with pytest.raises(ConfigError, match=r"rules/mine\.rego:1: package regate\.rules\.mine has no verdicts"):
        load_source(policy)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("settings/data.yaml", "a: [1\n", r"data\.yaml:2: not valid YAML"),
        ("settings/data.yaml", "a: 1\nb: 2\na: 3\n", r"data\.yaml:3: not valid YAML: 'a' is given twice"),
        ("settings/data.yaml", "a: !!timestamp 2026-11-22\n", "with the tag .*timestamp"),
        ("settings/data.yaml", "a: .nan\n", "JSON can express"),
        ("settings/data.yaml", "- a\n", "expected a mapping"),
        ("settings/more.yaml", "a: 1\n", "expected data in a file called"),
        ("data.yaml", "settings: {}\n", "found data outside settings/"),
        ("regate/data.yaml", "a: 1\n", "found data outside settings/"),
        ("settings/data.json", '{"groups": {}}', r"settings\.groups is in another data file too"),
        ("settings/bulk/data.yaml", "personal_values: 1\n", "is in another data file too"),
        ("settings/record/data.yaml", "a: 1\n", "has a value at settings.record"),
        ("settings/x/data.json", '{"a": 1, "a": 2}', "a key is given twice"),
        ("settings/x/data.json", '{\n"a": }', r"data\.json:2: not valid JSON"),
        ("settings/x/data.json", '{"a": "\\ud800"}', "surrogates not allowed"),
        (
            "settings/x/data.yaml",
            "groups: {true: {}}\n",
            "found True as a name, .* put it in quotes",
        ),
        ("settings/x/data.yaml", "1: a\n'1': b\n", "found 1 as a name, expected text"),
        ("settings/data.yaml", "a: " + "[" * 2000 + "]" * 2000 + "\n", "nested more than 100 deep"),
        ("settings/x/data.yaml", "a: &a [*a]\n", "the alias a stands for nothing, or for what it is in"),
        (
            "settings/x/data.yaml",
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 64)),
            "its aliases stand for more than",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused(policy: Path, name: str, text: str, message: str) -> None:
    (policy / name).parent.mkdir(exist_ok=True)
    (policy / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_source(policy)


def test_verdicts_where_nobody_hears_them_are_refused(policy: Path) -> None:
    for package in ("regate", "regate.lib.mine"):
        (policy / "mine.rego").write_text(f"package {package}\n\nverdicts contains 1 if true\n")
        with pytest.raises(ConfigError, match=r"mine\.rego:1: .* has verdicts, which have no effect there"):
            load_source(policy)


@pytest.mark.parametrize("name", ["rules/pipe.rego", "settings/pipe/data.yaml"])
def test_a_pipe_is_refused_and_keeps_nobody(policy: Path, name: str) -> None:
    (policy / name).parent.mkdir(exist_ok=True)
    os.mkfifo(policy / name)
    with pytest.raises(ConfigError, match="expected a plain file"):
        load_source(policy)


def test_a_file_without_end_is_refused(policy: Path) -> None:
    with (policy / "rules" / "long.rego").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="expected at most 16777216 bytes"):
        load_source(policy)


def test_an_edit_that_keeps_size_inode_and_time_is_seen(policy: Path) -> None:
    file = policy / "settings" / "data.yaml"
    before, seen, text = file.stat(), fingerprint(policy), file.read_text()
    while fingerprint(policy) == seen:  # until the file system's clock has moved on
        file.write_text(text.replace("2", "3"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_ino, file.stat().st_size) == (before.st_ino, before.st_size)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_data_file_is_rooted_at_its_folder(policy: Path) -> None:
    (policy / "settings" / "teams" / "red").mkdir(parents=True)
    (policy / "settings" / "teams" / "red" / "data.yaml").write_text("a: 1\n")
    assert load_source(policy).data["settings"]["teams"] == {"red": {"a": 1}}


def test_hidden_files_and_other_files_are_nobodys_business(policy: Path) -> None:
    revision = load_source(policy).revision
    (policy / ".git").mkdir()
    (policy / ".git" / "x.rego").write_text("package other\n")
    (policy / ".main.rego.swp").write_text("x")
    (policy / "README.md").write_text("x")
    assert load_source(policy).revision == revision


def test_no_folder_no_files_and_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder"):
        load_source(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="found none"):
        load_source(tmp_path)
    (tmp_path / "main.rego").write_bytes(b"package regate\n# \xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_source(tmp_path)


def test_an_unreadable_file_is_refused(policy: Path) -> None:
    (policy / "main.rego").unlink()
    (policy / "main.rego").symlink_to(policy / "nowhere")
    with pytest.raises(ConfigError, match=r"main\.rego: cannot be read"):
        load_source(policy)
    shutil.rmtree(policy)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
