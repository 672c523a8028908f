"""OPA's own commands."""

from pathlib import Path

import pytest

from cli.policy.opa import OpaFailed, capabilities, compile_faults, run_opa, unformatted


def test_a_run_says_what_opa_printed(opa: Path) -> None:
    assert run_opa(opa, "fmt", stdin="package   a\n").out.strip() == "package a"


def test_a_program_that_is_no_opa_fails_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(OpaFailed, match=r"cannot be run: .*No such file"):
        run_opa(tmp_path / "opa", "version")


def test_a_run_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    with pytest.raises(OpaFailed, match=r"opa test did not end within 0\.5 s"):
        run_opa(program, "test", seconds=0.5)


def test_policy_may_not_use_what_is_refused(opa: Path) -> None:
    with capabilities(opa) as file:
        assert '"http.send"' not in file.read_text()
        assert '"count"' in file.read_text()


def test_faults_of_syntax_and_format_have_their_place(opa: Path, tmp_path: Path) -> None:
    (tmp_path / "rego").mkdir()
    (tmp_path / "schemas").mkdir()
    file = tmp_path / "rego/a.rego"
    file.write_text("package a\n\nx   := y\n")
    (fault,) = compile_faults(opa, [tmp_path / "rego"], tmp_path / "schemas")
    assert (fault.file, fault.line) == (str(file), 3)
    assert [fault.file for fault in unformatted(opa, [file])] == [str(file)]
    assert unformatted(opa, []) == []
