"""The SELECT of each view over the signed logs: writers, heads, seals, and what was removed.

A line that cannot be read fails the question. So does a log that has lost lines which the files speak of:
each view asks for a name that no file has, so that what is read as sealed is looked through first.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.audit.reading.live_and_sealed import visible

_SEGMENTS = "STRUCT(segment VARCHAR, first_seq BIGINT, last_seq BIGINT, first_at VARCHAR, last_at VARCHAR)[]"


def log_selects(root: str, unless: str = "") -> Mapping[str, str]:
    """Return the SELECT of each view, for the folder that the SQL expression `root` names."""
    whole = f"'' NOT IN ({visible(root, unless)})"
    seals = f"""read_ndjson({root} || '/seals.ndjson', columns={{kind: 'VARCHAR', file: 'VARCHAR',
        path: 'VARCHAR', visible_at: 'TIMESTAMPTZ', parquet_sha256: 'VARCHAR', segments: '{_SEGMENTS}',
        session: 'VARCHAR', agent: 'VARCHAR', "before": 'TIMESTAMPTZ', bodies: 'BIGINT',
        names: 'BIGINT', id: 'VARCHAR', key_id: 'VARCHAR', targets: 'JSON[]', "at": 'TIMESTAMPTZ',
        erased_at: 'TIMESTAMPTZ', dropped_at: 'TIMESTAMPTZ'}})"""
    checkpoints = f"""read_ndjson({root} || '/checkpoints.ndjson', columns={{kind: 'VARCHAR',
        writer: 'VARCHAR', segment: 'VARCHAR', seq: 'BIGINT', hash: 'VARCHAR', host: 'VARCHAR',
        pid: 'BIGINT', signed_at: 'TIMESTAMPTZ'}})"""
    return {
        "writers": f"""
            SELECT writer, max(host) AS host, max(pid) AS pid,
                min(signed_at) FILTER (kind = 'birth') AS born_at, max(seq) AS signed_seq,
                max(signed_at) AS signed_at
            FROM {checkpoints} WHERE kind IN ('birth', 'head') AND {whole} GROUP BY writer
        """,  # noqa: S608 - our own names; the root is a quoted path
        "heads": f"""
            SELECT signed_at, writer, nullif(segment, '') AS segment, seq, hash
            FROM {checkpoints} WHERE kind = 'head' AND {whole}
        """,  # noqa: S608 - as above
        "seals": f"""
            SELECT file, path, visible_at, list_transform(segments, lambda one: one.segment) AS segments,
                list_sum(list_transform(segments,
                    lambda one: one.last_seq - one.first_seq + 1))::BIGINT AS records,
                list_min(list_transform(segments, lambda one: one.first_at))::TIMESTAMPTZ AS first_at,
                list_max(list_transform(segments, lambda one: one.last_at))::TIMESTAMPTZ AS last_at,
                parquet_sha256
            FROM {seals} WHERE file IS NOT NULL AND segments IS NOT NULL AND {whole}
        """,  # noqa: S608 - as above
        "removals": f"""
            SELECT coalesce(erased_at, dropped_at, "before", "at") AS removed_at,
                CASE kind WHEN 'order' THEN 'ordered' WHEN 'erasure' THEN 'erased' WHEN 'hold' THEN 'held'
                    WHEN 'release' THEN 'released' ELSE kind END AS what,
                nullif(id, '') AS order_id, nullif(key_id, '') AS key_id,
                nullif(session, '') AS session_id, nullif(agent, '') AS agent,
                nullif(len(targets), 0) AS records, path, bodies, names
            FROM {seals} WHERE kind IN ('order', 'erasure', 'dropped', 'hold', 'release') AND {whole}
        """,  # noqa: S608 - as above
    }
