"""The program that reads policy: one task in, its result or why there is none out."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

from gateway.policy import load_source
from gateway.policy.bundle.bundle import read_bundle
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.processes import encode_message, read_message, run

PROGRAM = Path(__file__).parents[4] / "gateway" / "policy" / "loading" / "reader.py"


def ended(*frames: bytes, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    task = b"".join(map(encode_message, frames))
    return run(Path(sys.executable), "-P", *options, PROGRAM, stdin=task)


def answers(*frames: bytes) -> list[bytes]:
    stream = io.BytesIO(ended(*frames).stdout)
    return list(iter(lambda: read_message(stream), None))


def reading(path: Path, tables: Path | str = "") -> bytes:
    task = {"path": str(path), "verify_key": "", "names": {}, "tables": str(tables), "tables_key": ""}
    return json.dumps(task).encode()


def test_a_folder_comes_as_its_modules_its_data_and_no_archive(policy: Path) -> None:
    source = load_source(policy)
    head, *texts, data, tables, archive = answers(reading(policy))
    told = {"revision": source.revision, "modules": list(source.modules), "tables": {}, "issued_at": ""}
    assert (json.loads(head), tables) == (told, b'{"_revisions":{}}')
    assert [text.decode() for text in texts] == list(source.modules.values())
    assert (data, archive) == (source.data_json, b"")


def test_tables_come_with_their_revisions(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "users.csv").write_text("id,team\ndana,red\n")
    head, *_, content, _ = answers(reading(policy, tmp_path / "tables"))
    revisions = json.loads(head)["tables"]
    assert json.loads(content) == {"users": {"dana": {"team": "red"}}, "_revisions": revisions}


def test_what_cannot_be_used_is_one_answer_that_says_why(tmp_path: Path) -> None:
    (told,) = answers(reading(tmp_path / "none"))
    assert str(tmp_path / "none") in json.loads(told)["error"]


def test_a_policy_is_packed_as_it_is_given(policy: Path, tmp_path: Path) -> None:
    key, _ = create_signing_key(tmp_path / "policy.key", "ES256")
    source = load_source(policy)
    task = {
        "revision": "r1",
        "modules": list(source.modules),
        "signing_key": str(tmp_path / "policy.key"),
    }
    texts = [text.encode() for text in source.modules.values()]
    head, packed = answers(json.dumps(task).encode(), *texts, source.data_json)
    found = read_bundle(tmp_path / "policy.tar.gz", packed, key.public)
    assert (head, found.revision, found.modules) == (b"{}", "r1", source.modules)


def test_it_reads_without_loading_an_engine(policy: Path) -> None:
    told = ended(reading(policy), options=("-X", "importtime")).stderr.decode()
    assert "gateway.policy.source" in told
    for engine in ("gateway.policy.engine", "regorus", "aiohttp"):
        assert engine not in told
