"""Tables come out of a bundle as they went in, both engines read it, and nothing unproven comes out."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.policy.bundle.archive import pack, unpack
from gateway.policy.bundle.signature import MANIFEST, SIGNATURES, canonical, sign
from gateway.policy.bundle.signing_keys import SigningKey, create_signing_key
from gateway.policy.bundle.table_bundle import build_table_bundle, read_table_bundle
from gateway.policy.source.tables import Tables, read_tables

FILE = Path("bundles/tables.tar.gz")
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
USERS = "tables/users/data.json"


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    (tmp_path / "users.csv").write_text("id,team\nana,red\nbo,007\n")
    (tmp_path / "limits.json").write_text('{"usd": 1.50, "names": ["Ünï", "a\\u2028b"], "big": 1e3}')
    return read_tables(tmp_path)


def test_what_was_built_is_what_is_read(key: SigningKey, tables: Tables) -> None:
    content = build_table_bundle(tables, key, NOON)
    assert content == build_table_bundle(tables, key, NOON)
    found = read_table_bundle(FILE, content, key.public)
    there, before = json.loads(found.content), json.loads(tables.content)
    assert there.pop("_revisions") == found.revisions
    del before["_revisions"]
    assert (there, found.issued_at) == (before, NOON)
    assert found.revisions.keys() == {"users", "limits"}


def test_opa_proves_it_and_reads_the_same(opa: Path, key: SigningKey, tables: Tables, tmp_path: Path) -> None:
    bundle, public = tmp_path / "tables.tar.gz", tmp_path / "tables.pub"
    bundle.write_bytes(build_table_bundle(tables, key, NOON))
    public.write_bytes(key.public.pem)
    signing = [f"--signing-alg={key.public.algorithm}", f"--verification-key={public}"]
    command = [opa, "build", "--bundle", bundle, *signing, f"--verification-key-id={key.public.key_id}"]
    subprocess.run([*command, "--output", tmp_path / "proven.tar.gz"], check=True)
    query = [opa, "eval", "--format=raw", "--bundle", tmp_path / "proven.tar.gz", "data.tables"]
    by_opa = json.loads(subprocess.run(query, check=True, capture_output=True).stdout)
    assert by_opa | {"_revisions": {}} == json.loads(tables.content) | {"_revisions": {}}


def _manifest(**changes: Any) -> bytes:
    about = {"revision": "r", "roots": ["tables"], "metadata": {"issued_at": NOON.isoformat()}}
    return canonical(about | changes)


FOR_LATER = {"issued_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({MANIFEST: _manifest(metadata={})}, "expected metadata.issued_at in its manifest"),
        ({MANIFEST: _manifest(metadata=[])}, "expected metadata.issued_at in its manifest"),
        ({MANIFEST: _manifest(metadata={"issued_at": "2026-11-28T12:00:00"})}, "a time with its zone"),
        ({MANIFEST: _manifest(metadata={"issued_at": "noon"})}, "a time with its zone"),
        ({MANIFEST: _manifest(metadata=FOR_LATER)}, "which is yet to come"),
        ({MANIFEST: _manifest(roots=["tables", "settings"])}, "expected the root tables and no other"),
        ({MANIFEST: _manifest(roots=[])}, "expected the root tables and no other, found none"),
        ({MANIFEST: _manifest(), "settings/data.json": b"{}"}, "expected tables/NAME/data.json"),
        ({MANIFEST: _manifest(), "tables/evil.rego": b"package x"}, "expected tables/NAME/data.json"),
        ({MANIFEST: _manifest(), "tables/_revisions/data.json": b"{}"}, "expected tables/NAME/data.json"),
        ({MANIFEST: _manifest(), USERS: b"7"}, "users: expected a mapping or a list"),
        ({}, "it has no .manifest"),
    ],
)
def test_what_is_signed_and_no_bundle_of_tables_is_refused(
    key: SigningKey, files: dict[str, bytes], fault: str
) -> None:
    whole = {**files, SIGNATURES: sign(files, key)}
    with pytest.raises(ConfigError, match=fault):
        read_table_bundle(FILE, pack(whole), key.public)


def test_what_the_key_has_not_signed_is_refused(key: SigningKey, tables: Tables, tmp_path: Path) -> None:
    content = build_table_bundle(tables, key, NOON)
    files = unpack(content)
    another, _ = create_signing_key(tmp_path / "another.key", "ES256")
    unsigned = {name: text for name, text in files.items() if name != SIGNATURES}
    changed = {**files, USERS: files[USERS].replace(b"red", b"all")}
    for hostile, fault in (
        (pack(unsigned), "it is not signed"),
        (build_table_bundle(tables, another, NOON), "does not fit the key|signed by .ES256."),
        (pack(changed), f"{USERS} is not what was signed"),
        (pack({**files, "tables/more/data.json": b"{}"}), "not in both"),
        (content[:-40], "it is cut off"),
        (b"", "it is cut off"),
    ):
        with pytest.raises(ConfigError, match=fault):
            read_table_bundle(FILE, hostile, key.public)
