"""Evidence made or changed by a hand that may write every file of the audit folder, and has no key."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit import Sealer
from gateway.audit.files import signed_log
from gateway.audit.files.folder import segment_name
from gateway.audit.files.line import GENESIS, chain, check, with_signature
from gateway.audit.files.record import draft
from gateway.audit.files.signing import Signer, load_verifier
from gateway.audit.sealing.seal import SealingFailed
from gateway.audit.verifying.proof import ProofFailed, find_records, prove
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import Command

FORGED = "forged"  # the exchange that every forgery claims


@dataclass
class Scene:
    """Evidence of ours: a `sealed` writer, a `closed` one that is not sealed yet, and a `killed` one."""

    evidence: Evidence
    sealed: str
    closed: str
    killed: str
    elsewhere: Evidence  # another folder, with the same key

    def segment(self, writer: str) -> Path:
        return self.evidence.folder.live(segment_name(writer, 1))

    def forge(
        self, writer: str, after: tuple[int, str] = (0, GENESIS), *, count: int = 2, fake: bool = False
    ) -> bytes:
        """Records that hold in themselves and follow each other; with `fake`, the last has a signature."""
        (seq, prev), lines = after, []
        for _ in range(count):
            seq += 1
            made = draft(decision(seq, exchange_id=FORGED), datetime.now(UTC))
            line, prev = chain(made, writer, seq, prev)
            lines.append(line)
        lines[-1] = with_signature(lines[-1], bytes(64)) if fake else lines[-1]
        return b"".join(lines)

    def end(self, path: Path) -> tuple[int, str]:
        link = check(path.read_bytes().splitlines()[-1])
        return link.seq, link.hash

    def append(self, path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    def log_line(self, path: Path, document: Mapping[str, object]) -> None:
        """Append a line in its place, signed by a key that is not ours."""
        key = self.evidence.root.parent / "own" / "evidence.key"
        if not key.exists():
            Evidence(key.parent / "x").journal().close()
            shutil.copytree(key.parent / "x" / "state", key.parent, dirs_exist_ok=True)
        signed_log.append(path, document, Signer(key), self.evidence.folder.disk)


_KILLED = """
import os, sys
from pathlib import Path
from gateway.audit import (Journal, Record, new_writer)
journal = Journal(Path(sys.argv[1]), new_writer(), key=Path(sys.argv[2]))
journal.start()
for number in range(5):
    journal.record_sync(Record("decision", exchange_id=f"k{number}"))
print(journal.writer, flush=True)
os.kill(os.getpid(), 9)
"""


def fill(evidence: Evidence) -> str:
    journal = evidence.journal()
    for number in range(5):
        journal.record_sync(decision(number))
    journal.close()
    return journal.writer


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The scene that every test gets a copy of."""
    base = tmp_path_factory.mktemp("original")
    evidence = Evidence(base)
    sealed = fill(evidence)
    sealer = evidence.sealer(bury=0)
    sealer.seal(sign=True)
    sealer.seal()
    closed = fill(evidence)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(evidence.root), str(evidence.key)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout.strip()
    elsewhere = Evidence(base / "elsewhere")
    shutil.copytree(evidence.key.parent, elsewhere.key.parent)
    fill(elsewhere)
    return Scene(evidence, sealed, closed, killed, elsewhere)


@pytest.fixture
def scene(original: Scene, evidence: Evidence, tmp_path: Path) -> Scene:
    shutil.copytree(original.evidence.root.parent, tmp_path, dirs_exist_ok=True)
    return replace(original, evidence=evidence, elsewhere=Evidence(tmp_path / "elsewhere"))


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    made = Evidence(tmp_path)
    yield made
    for journal in made.journals:
        journal.close()


def test_the_evidence_is_intact_before_the_forger_comes(scene: Scene) -> None:
    """After a kill nothing acknowledged is behind an unsigned line."""
    report = scene.evidence.verify()
    assert (report.breaks, report.notes, report.records, report.unsigned) == ([], [], 15, 0)


def own_chain(scene: Scene) -> None:
    scene.append(scene.evidence.folder.live("w0123456789-000001"), scene.forge("w0123456789"))


def own_chain_with_its_signature(scene: Scene) -> None:
    scene.append(scene.evidence.folder.live("w0123456789-000001"), scene.forge("w0123456789", fake=True))


def own_chain_with_its_birth(scene: Scene) -> None:
    """Signed by the forger's own key, behind the last line."""
    own_chain_with_its_signature(scene)
    ours = orjson.loads(signed_log.lines(scene.evidence.folder.checkpoints)[0])
    birth = {name: ours[name] for name in ours if name not in ("prev", "key", "signature")}
    scene.log_line(scene.evidence.folder.checkpoints, birth | {"writer": "w0123456789"})


def own_chain_with_its_head(scene: Scene) -> None:
    """As if it came from before births were signed."""
    own_chain(scene)
    seq, last = scene.end(scene.evidence.folder.live("w0123456789-000001"))
    head = {
        "kind": "head",
        "writer": "w0123456789",
        "segment": "w0123456789-000001",
        "seq": seq,
        "hash": last,
    }
    scene.log_line(scene.evidence.folder.checkpoints, head | {"tree": "0" * 64, "signed_at": ""})


def birth_copied_from_another_folder(scene: Scene) -> None:
    """Signed by our key, and its chain by its own writer: but not here."""
    (live,) = scene.elsewhere.folder.live_files()
    shutil.copy(live, scene.evidence.folder.journal)
    (birth, *_) = signed_log.lines(scene.elsewhere.folder.checkpoints)
    scene.append(scene.evidence.folder.checkpoints, birth + b"\n")


def records_behind_a_closed_segment(scene: Scene) -> None:
    path = scene.segment(scene.closed)
    scene.append(path, scene.forge(scene.closed, scene.end(path)))


def records_behind_a_killed_writer(scene: Scene) -> None:
    path = scene.segment(scene.killed)
    scene.append(path, scene.forge(scene.killed, scene.end(path)))


def records_behind_a_killed_writer_with_a_signature(scene: Scene) -> None:
    path = scene.segment(scene.killed)
    scene.append(path, scene.forge(scene.killed, scene.end(path), fake=True))


def a_next_segment_of_a_killed_writer(scene: Scene) -> None:
    path = scene.evidence.folder.live(segment_name(scene.killed, 2))
    scene.append(path, scene.forge(scene.killed, scene.end(scene.segment(scene.killed)), fake=True))


def a_replaced_segment(scene: Scene) -> None:
    path = scene.segment(scene.killed)
    path.unlink()
    scene.append(path, scene.forge(scene.killed, count=5, fake=True))


def a_segment_under_another_number(scene: Scene) -> None:
    scene.segment(scene.killed).rename(scene.evidence.folder.live(segment_name(scene.killed, 2)))


def a_chain_under_another_writers_name(scene: Scene) -> None:
    shutil.copy(scene.segment(scene.killed), scene.evidence.folder.live("w0123456789-000001"))


def two_writers_files_swapped(scene: Scene) -> None:
    one, other = scene.segment(scene.closed), scene.segment(scene.killed)
    aside = one.with_suffix(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def a_removed_tail(scene: Scene) -> None:
    """Behind a signed head: what is behind the last head of the minute shows by the next one only."""
    path = scene.segment(scene.closed)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))


def a_seal_by_hand(scene: Scene) -> None:
    """A Parquet file of the forger's in the place of a chain of ours."""
    folder, name = scene.evidence.folder, segment_name(scene.killed, 1)
    target = folder.sealed / "date=2020-01-01" / f"{name}.parquet"
    target.parent.mkdir()
    shutil.copy(scene.evidence.sealed(), target)
    (seal,) = [line for line in map(orjson.loads, signed_log.lines(folder.seals)) if line["kind"] == "seal"]
    held = [each | {"segment": name, "writer": scene.killed} for each in seal["segments"]]
    made = {"kind": "seal", "file": name, "path": str(target.relative_to(folder.root)), "segments": held}
    scene.log_line(
        folder.seals,
        made | {name: seal[name] for name in ("parquet_sha256", "visible_at")},
    )


def an_order_by_hand(scene: Scene) -> None:
    order = {"kind": "order", "session": "", "agent": "billing", "before": "2999-01-01T00:00:00.000000Z"}
    scene.log_line(scene.evidence.folder.seals, order)


def a_drop_by_hand(scene: Scene) -> None:
    path = scene.evidence.sealed().relative_to(scene.evidence.root)
    scene.log_line(
        scene.evidence.folder.seals, {"kind": "dropped", "path": str(path), "dropped_at": "2026-01-01"}
    )


def no_signed_heads(scene: Scene) -> None:
    scene.evidence.folder.checkpoints.unlink()


def emptied_signed_heads(scene: Scene) -> None:
    scene.evidence.folder.checkpoints.write_bytes(b"")


def no_seals(scene: Scene) -> None:
    scene.evidence.folder.seals.unlink()


def nothing_at_all(scene: Scene) -> None:
    shutil.rmtree(scene.evidence.root)


def nothing_but_an_empty_folder(scene: Scene) -> None:
    shutil.rmtree(scene.evidence.root)
    scene.evidence.folder.prepare()


FORGERIES: list[tuple[Callable[[Scene], None], str]] = [
    (own_chain, "w0123456789-000001.ndjson: no birth of its writer is signed"),
    (own_chain_with_its_signature, "w0123456789-000001.ndjson: no birth of its writer is signed"),
    (own_chain_with_its_birth, "it is signed by the key"),
    (own_chain_with_its_head, "it is signed by the key"),
    (birth_copied_from_another_folder, "it does not follow the line before it"),
    (records_behind_a_closed_segment, "record {closed}:6: 2 records stand behind the last batch"),
    (records_behind_a_killed_writer, "record {killed}:6: 2 records stand behind the last batch"),
    (records_behind_a_killed_writer_with_a_signature, "record {killed}:7: its writer did not sign it here"),
    (a_next_segment_of_a_killed_writer, "record {killed}:7: its writer did not sign it here"),
    (a_replaced_segment, "it is not the record that was signed"),
    (a_segment_under_another_number, "record {killed}:1: its writer did not sign it here"),
    (a_chain_under_another_writers_name, "w0123456789-000001.ndjson: no birth of its writer is signed"),
    (two_writers_files_swapped, "it is a record of"),
    (a_removed_tail, "record {closed}:4: the chain of {closed} ends at record 3, but record 5 was signed"),
    (a_seal_by_hand, "seals.ndjson:2: it is signed by the key"),
    (an_order_by_hand, "seals.ndjson:2: it is signed by the key"),
    (a_drop_by_hand, "seals.ndjson:2: it is signed by the key"),
    (no_signed_heads, "checkpoints.ndjson: it is missing"),
    (emptied_signed_heads, "no birth of its writer is signed"),
    (no_seals, "seals.ndjson: it is missing"),
    (nothing_at_all, "there is no evidence"),
    (nothing_but_an_empty_folder, "there is no evidence"),
]


def named(scene: Scene) -> list[str]:
    return [str(each) for each in scene.evidence.verify().breaks]


@pytest.mark.parametrize(("forge", "told"), FORGERIES, ids=[forge.__name__ for forge, _ in FORGERIES])
def test_forged_evidence_does_not_pass_for_ours(
    scene: Scene, forge: Callable[[Scene], None], told: str
) -> None:
    """Verification fails and names it, before and after a gateway has run over it."""
    forge(scene)
    told = told.format(closed=scene.closed, killed=scene.killed)
    assert any(told in each for each in named(scene)), named(scene)

    log = scene.evidence.folder.checkpoints
    before = log.read_bytes() if log.exists() else b""
    sealer = scene.evidence.sealer(bury=0)
    with suppress(SealingFailed):  # the sealer stops at a seal made by hand
        sealer.seal(everything=True, sign=True)
        sealer.seal()
    added = log.read_bytes()[len(before) :]
    assert b'"head"' not in added or b"w0123456789" not in added
    assert all(FORGED.encode() not in line for line in sealed_lines(scene))
    if forge is not records_behind_a_killed_writer:
        assert named(scene)


def sealed_lines(scene: Scene) -> Iterator[bytes]:
    from gateway.audit.files import parquet

    for path in scene.evidence.folder.sealed_files():
        yield from parquet.lines(path)


@pytest.mark.parametrize("forge", [forge for forge, _ in FORGERIES[:8]], ids=lambda forge: forge.__name__)
def test_a_forged_record_is_not_proved(scene: Scene, forge: Callable[[Scene], None]) -> None:
    """`prove` refuses it, also after every chance to have it signed."""
    forge(scene)
    scene.evidence.sealer().seal(everything=True, sign=True)
    trusted = load_verifier(scene.evidence.key.with_suffix(".pub"))
    places = [("w0123456789", 1), (scene.killed, 6), (scene.closed, 6)]
    (foreign,) = scene.elsewhere.folder.live_files()
    for writer, seq in [*places, (foreign.stem.partition("-")[0], 1)]:
        with pytest.raises(ProofFailed):
            prove(scene.evidence.root, writer, seq, trusted=trusted)
    assert find_records(scene.evidence.root, f"{scene.sealed}:1")
    assert prove(scene.evidence.root, scene.sealed, 1, trusted=trusted)


def test_what_was_put_behind_a_killed_writer_is_cut_off_on_record(scene: Scene) -> None:
    """The next start cuts it off, says so, and what the writer had signed stays."""
    records_behind_a_killed_writer(scene)
    scene.evidence.journal().close()

    (cut,) = scene.evidence.rows("SELECT body FROM records WHERE code = 'torn_tail_cut'")
    assert (cut[0]["segment"], cut[0]["records"]) == (segment_name(scene.killed, 1), 2)
    assert scene.evidence.rows(f"SELECT count(*) FROM records WHERE exchange_id = '{FORGED}'") == [[0]]
    assert scene.evidence.verify().breaks == []


def test_a_seal_by_hand_buries_no_chain_of_ours(scene: Scene) -> None:
    """The sealer stops before it acts on a line that our key did not sign."""
    path = scene.segment(scene.killed)
    before = path.read_bytes()
    a_seal_by_hand(scene)
    with pytest.raises(SealingFailed, match=r"seals\.ndjson:2: it is signed by the key"):
        scene.evidence.sealer(bury=0).seal(everything=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("forge", [an_order_by_hand, a_drop_by_hand], ids=["order", "dropped"])
def test_a_removal_by_hand_removes_nothing(scene: Scene, forge: Callable[[Scene], None]) -> None:
    """Neither a body nor a file goes by a line that our key did not sign."""
    path = scene.evidence.sealed()
    before = path.read_bytes()
    forge(scene)
    sealer = Sealer(scene.evidence.root, key=scene.evidence.key, retention=timedelta(0))
    sealer.start()
    with pytest.raises(SealingFailed):
        sealer.seal(everything=True)
    assert path.read_bytes() == before


def test_a_writer_that_the_state_has_seen_is_missed(scene: Scene) -> None:
    """Also where every trace of it was taken out of a folder that then holds in itself."""
    known = {scene.sealed, scene.closed, scene.killed, "w9999999999"}
    (found,) = scene.evidence.verify(known=known).breaks
    assert found.file == "checkpoints.ndjson"
    assert "1 writers that the state has seen born are not registered here: w9999999999" in found.reason


def test_a_replaced_key_adds_no_writer(scene: Scene, tmp_path: Path) -> None:
    """A key that was stolen before its rotation signs no birth that counts."""
    from gateway.audit.files.rotation import rotate

    stolen = tmp_path / "stolen.key"
    shutil.copy(scene.evidence.key, stolen)
    rotate(scene.evidence.key, scene.evidence.folder)
    fill(scene.evidence)
    own_chain_with_its_signature(scene)
    ours = orjson.loads(signed_log.lines(scene.evidence.folder.checkpoints)[0])
    birth = {name: ours[name] for name in ours if name not in ("prev", "key", "signature")}
    path = scene.evidence.folder.checkpoints
    signed_log.append(path, birth | {"writer": "w0123456789"}, Signer(stolen), scene.evidence.folder.disk)
    scene.evidence.sealer().seal(everything=True, sign=True)

    assert all(b"w0123456789" not in line for line in sealed_lines(scene))
    assert any("w0123456789-000001.ndjson: no birth" in each for each in named(scene))


@pytest.mark.timeout(600)
def test_deleting_the_evidence_of_commands_does_not_verify(evidence: Evidence, tmp_path: Path) -> None:
    """The command line remembers its writers in the state, and says so where it has none."""
    regate = Command(tmp_path)
    fill(evidence)
    regate("audit", "rotate-key")
    assert "not checked" not in regate("audit", "verify")

    shutil.move(evidence.root, tmp_path / "gone")
    assert "there is no evidence" in regate("audit", "verify", code=1)
    fill(evidence)
    assert "that the state has seen born are not registered here: w" in regate("audit", "verify", code=1)

    shutil.rmtree(evidence.root)
    shutil.move(tmp_path / "gone", evidence.root)
    (tmp_path / "state" / "regate.db").rename(tmp_path / "kept.db")
    told = regate("audit", "verify")
    assert "not checked: whether the evidence of a whole writer is missing (there is no " in told
    own_chain(Scene(evidence, "", "", "", evidence))
    assert "no birth of its writer is signed" in regate("audit", "verify", code=1)
    assert "w0123456789:1" in regate("audit", "prove", "w0123456789:1", code=1)
    assert "w0123456789-000001 cannot be sealed: no birth" in regate("audit", "seal", code=1)


def test_records_that_retention_dropped_are_told(scene: Scene) -> None:
    """Verification is intact, and says how many went and when."""
    scene.evidence.sealer(retention=timedelta(0)).seal()
    report = scene.evidence.verify()
    assert (report.breaks, report.dropped) == ([], 15)
    assert report.removed == [f"15 records dropped by retention on {datetime.now(UTC):%Y-%m-%d}"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_run_of_lines_is_added_to_a_dead_writers_segment(scene: Scene, data: st.DataObject) -> None:
    """Whatever is put behind its last signature, whole or torn: it is never counted, and told."""
    path = scene.segment(scene.killed)
    whole = path.read_bytes()
    forged = scene.forge(
        scene.killed,
        data.draw(st.sampled_from([scene.end(path), (0, GENESIS), (3, "a" * 64)])),
        count=data.draw(st.integers(1, 4)),
        fake=data.draw(st.booleans()),
    )
    added = forged[: data.draw(st.integers(1, len(forged)))]
    try:
        path.write_bytes(whole + added)
        report = scene.evidence.verify()
        assert report.records <= 15
        assert not report.intact or any("torn tail" in note for note in report.notes)
        assert not report.intact or not added.endswith(b"\n")
    finally:
        path.write_bytes(whole)
