"""A stranger checks evidence with the scripts of docs/reference/evidence.md: bash, coreutils and OpenSSL."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.audit.files.line import open_line, split_signature
from gateway.audit.verifying.proof import prove
from tests.unit.audit.conftest import Evidence, decision

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "evidence.md"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    for name, block in zip(
        ("check.sh", "proof.sh"), PAGE.read_text("utf-8").split("```bash\n")[1:], strict=True
    ):
        (tmp_path / name).write_text(block.partition("```")[0], "utf-8")
    return tmp_path / "check.sh"


@pytest.fixture
def signed(evidence: Evidence) -> Evidence:
    journal = evidence.journal(segment_bytes=3000)
    for number in range(7):
        journal.record_sync(decision(number, body={"text": 'ü "\\ 😀 ,"salt":" \x00'}))
    journal.close()
    evidence.sealer(gather=3600).seal(sign=True)
    return evidence


def check(script: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        ["bash", str(script), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return (done.stdout if done.returncode == 0 else done.stderr).strip()


def test_a_page_of_code_checks_the_chain_and_the_signatures(script: Path) -> None:
    assert len(script.read_text("utf-8").splitlines()) <= 50


def test_the_chain_is_followed_and_an_edit_is_found(script: Path, signed: Evidence) -> None:
    segments = signed.folder.live_files()
    assert len(segments) > 1
    assert check(script, "chain", *segments).startswith("intact: 7 records")

    assert "is missing or moved" in check(script, "chain", *segments[1:])
    whole = segments[0].read_bytes()
    segments[0].write_bytes(whole.replace(b'"allow"', b'"deny"', 1))
    assert 'BROKEN: hash of: {"writer"' in check(script, "chain", *segments)
    segments[0].write_bytes(whole.replace("ü".encode(), b"u", 1))
    assert "BROKEN: names or body of" in check(script, "chain", *segments)


def test_the_signed_lines_hold_and_a_forged_one_does_not(script: Path, signed: Evidence) -> None:
    public, log = signed.key.with_suffix(".pub"), signed.folder.checkpoints
    count = len(log.read_bytes().splitlines())
    assert check(script, "log", public, log) == f"intact: {count} signed lines"

    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[1:]))
    assert "does not follow" in check(script, "log", public, log)
    log.write_bytes(whole.replace(b'"seq":7', b'"seq":6'))
    assert "BROKEN: signature of" in check(script, "log", public, log)


@pytest.mark.parametrize("body", [True, False])
def test_a_proof_holds_and_of_another_record_it_does_not(
    script: Path, signed: Evidence, tmp_path: Path, body: bool
) -> None:
    public, writer, path = signed.key.with_suffix(".pub"), signed.journals[0].writer, tmp_path / "x.proof"
    for seq in (1, 4, 7):
        path.write_bytes(prove(signed.root, writer, seq, body=body))
        assert check(script.with_name("proof.sh"), public, path) == f"proved: record {writer}:{seq}"

    other = prove(signed.root, writer, 3, body=body).split(b"\n")
    path.write_bytes(b"\n".join([path.read_bytes().split(b"\n")[0], *other[1:]]))
    assert "the record is not under the head" in check(script.with_name("proof.sh"), public, path)


def test_a_chain_of_which_names_and_bodies_went_is_followed(script: Path, signed: Evidence) -> None:
    """A part, a body, a name, all of it, and what was withheld before that was said: each line holds."""
    (segment, *_) = signed.folder.live_files()
    lines = segment.read_bytes().splitlines()[:2]
    one, two = (open_line(split_signature(line)[0]) for line in lines)
    gone = one.without_body(b'{"salt":1,"text":"gone"}').withheld("2026-11-28T00:00:00Z", "or_1")
    bare = two.without_body().without_names(b'"owner":"erased-or_1"').withheld()
    written = [line.split(b',"salt"')[0] + line[len(split_signature(line)[0]) - 229 :] for line in lines]
    for made in ([gone, bare], [one.without_names(b'"owner":"x"').withheld(), lines[1]], written):
        segment.write_bytes(b"".join(line + b"\n" for line in made))
        assert check(script, "chain", segment).startswith("intact: 2 records")
    segment.write_bytes(one.without_body(b"{}").withheld().replace(b'"agent":"b', b'"agent":"B') + b"\n")
    assert "BROKEN: hash of" in check(script, "chain", segment)
