"""Which files are scanned, and who owns them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.scan.sources import CodeBase, Owners
from gateway.errors import ConfigError


def names(*paths: Path) -> list[str]:
    return [source.name for source in CodeBase(paths).sources()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a.py", "sub/b.ts", "node_modules/c.js", "ignored.py", "regate.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0")
    (tmp_path / "elsewhere").symlink_to("/etc")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / ".gitignore").write_text("ignored.py\nnode_modules\n")
    return tmp_path


def test_a_folder_is_walked_without_links_pictures_and_the_code_of_others(files: Path) -> None:
    assert names(files) == [".gitignore", "a.py", "ignored.py", "sub/b.ts"]


def test_in_a_repository_what_git_ignores_is_left_out_and_no_program_of_its_settings_runs(
    files: Path,
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=files, check=True)
    hook = files / "hook"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", str(hook)], cwd=files, check=True)
    assert names(files / "sub", files / "a.py") == ["a.py", "sub/b.ts"]
    assert names(files) == [".gitignore", "a.py", "hook", "sub/b.ts"]
    assert not (files / "ran").exists()


def test_a_file_that_cannot_be_read_is_told(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "large.json").write_text("x" * (3 << 20))
    base, read = CodeBase([files]), Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "a.py" not in [source.name for source in base.sources()]
    assert (base.unread, base.large) == (["a.py: Permission denied"], ["large.json: larger than 2 MiB"])


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        CodeBase([tmp_path / "typo"])


OWNERS = Owners(
    """
    *            @everyone   # unless said otherwise
    *.ts         @web
    /docs/       @writers
    docs/*       @editors
    src/**/test  @testers dana@acme.org
    secrets.py
    [Section]
    /lib         @lib
    """
)


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("a.py", ("@everyone",)),
        ("deep/in/b.ts", ("@web",)),
        ("docs/a.md", ("@editors",)),
        ("docs/sub/a.md", ("@writers",)),
        ("other/docs/a.md", ("@everyone",)),
        ("src/x/y/test/a.py", ("@testers", "dana@acme.org")),
        ("src/test/a.py", ("@testers", "dana@acme.org")),
        ("src/secrets.py", ()),
        ("lib/a.py", ("@lib",)),
        ("library/a.py", ("@everyone",)),
        ("lib", ("@lib",)),
        ("docs", ("@everyone",)),
    ],
)
def test_the_last_pattern_that_fits_names_the_owners(name: str, owners: tuple[str, ...]) -> None:
    assert OWNERS.of(name) == owners
    assert Owners("").of(name) == ()


def test_a_pattern_of_many_stars_is_read_in_linear_time() -> None:
    owners = Owners("*a" * 14 + "b @x\n" + "**/a/" * 14 + "b @y\n")
    assert owners.of("a" * 60 + ".py") == ()
    assert owners.of("/".join("a" * 60)) == ()


def test_submodules_and_text_of_windows_are_read(files: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=files, check=True)
    (files / "within").mkdir()
    subprocess.run(["git", "init", "-q", "within"], cwd=files, check=True)
    (files / "within/call.ps1").write_text("api.openai.com", "utf-16")
    (found,) = (source for source in CodeBase([files]).sources() if source.name == "within/call.ps1")
    assert found.text == "api.openai.com"
