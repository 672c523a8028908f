"""A fetched bundle of tables takes the place of the one before, never of a younger one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.policy.bundle.signing_keys import create_signing_key
from gateway.policy.bundle.table_bundle import build_table_bundle
from gateway.policy.loading.keeping import keep_tables
from gateway.policy.source.tables import NO_TABLES


def test_only_what_is_proven_and_no_older_is_kept(tmp_path: Path) -> None:
    key, public = create_signing_key(tmp_path / "tables.key", "ES256")
    first, second = (
        build_table_bundle(NO_TABLES, key, datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 2)
    )
    file = tmp_path / "new" / "tables.tar.gz"
    for content in (first, first, second):
        keep_tables(file, content, public)
        assert file.read_bytes() == content
    for content, fault in ((first, "before the present one, 2026-11-02"), (b"{}", "no gzip archive")):
        with pytest.raises(ConfigError, match=fault):
            keep_tables(file, content, public)
        assert file.read_bytes() == second
    file.write_bytes(b"no bundle")
    keep_tables(file, first, public)
    assert file.read_bytes() == first
