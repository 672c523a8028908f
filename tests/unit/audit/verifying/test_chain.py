"""A chain followed over its segments."""

from __future__ import annotations

from gateway.audit.files import signed_log
from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.merkle import Frontier
from gateway.audit.files.signing import load_verifier
from gateway.audit.verifying.chain import Chains
from gateway.audit.verifying.log import Heads, read_heads, signed_lines
from gateway.audit.verifying.places import ReadSeals, Results, live_place
from gateway.audit.verifying.pool import TaskPool
from gateway.audit.verifying.report import Breaks, Verification
from tests.unit.audit.conftest import Evidence


def follow(evidence: Evidence, heads: Heads) -> Verification:
    """Follow the one live chain, as far as these heads vouch for it."""
    found = Verification()
    live = evidence.live()
    with TaskPool(1) as pool:
        place = live_place(evidence.folder, live, heads)
        results = Results(pool, [place], lambda _: None)
        breaks = Breaks(evidence.root, found)
        seals = ReadSeals(evidence.folder, pool)
        Chains(evidence.folder, heads, seals, None, results, found, breaks).follow(
            live.stem.partition("-")[0], {1: place}
        )
    return found


def heads_of(evidence: Evidence, hash_: str, seq: int = 10) -> Heads:
    """Return the writer's birth, and one head of this hash as the only one."""
    lines, tree = signed_log.lines(evidence.folder.checkpoints), Frontier()
    keys = follow_keys(lines, load_verifier(evidence.key.with_suffix(".pub")), lambda *_: None)
    with TaskPool(1) as pool:
        documents = signed_lines(lines, keys.checkpoints, lambda *_: None, pool)
    heads = read_heads(lines, documents, keys.checkpoints, lambda *_: None)
    heads.heads.clear()
    for line in evidence.live().read_bytes().splitlines():
        tree.add(bytes.fromhex(line.partition(b'"hash":"')[2][:64].decode()))
    heads.heads[evidence.live().stem.partition("-")[0]][seq] = (hash_, tree.root().hex())
    return heads


def last_hash(evidence: Evidence) -> str:
    return evidence.live().read_bytes().splitlines()[-1].partition(b'"hash":"')[2][:64].decode()


def test_a_chain_under_its_head_is_whole(written: Evidence) -> None:
    """All ten records count."""
    found = follow(written, heads_of(written, last_hash(written)))
    assert found.breaks == []
    assert (found.intact, found.records, found.segments) == (True, 10, 1)


def test_another_chain_than_the_signed_one_is_broken(written: Evidence) -> None:
    """The head names another record."""
    found = follow(written, heads_of(written, "a" * 64))
    assert [each.reason for each in found.breaks] == ["it is not the record that was signed"]


def test_a_chain_that_ends_before_its_head_lost_records(written: Evidence) -> None:
    """The head says how far it went."""
    found = follow(written, heads_of(written, "a" * 64, seq=12))
    assert any("what followed was removed" in each.reason for each in found.breaks)
