"""The SQL that reads every record exactly once: from its live segment, or from the sealed file made of it.

A query reads the seals once. What a visible seal names is read from the sealed file, all else from the live
segments, so that a record is neither lost nor read twice. Where that cannot be told, the query fails:

- A live segment has become a tombstone, and its seal is not visible to this query: the transaction began
  before the sealing, or the clock was set back. Each column of a live row raises for such a line. DuckDB
  moves filters freely, but none can drop the line without evaluating one of its columns first.
- A sealed file has no seal, and the live segment that it was made of is gone: the log of seals was damaged.
- A seal's file is gone, and retention did not drop it. Or a segment is gone that a signed line names, and no
  seal names it.
- A line about a sealed file lacks what a seal says, or names what another seal names.

A live segment counts where its writer is registered. A seal counts whatever the clock says once none of its
live segments is left; it stands in for them as long as its file is there. DuckDB traps: a torn line is a row
of NULLs, what is compared with a list that has a NULL in it is NULL, and `now()` is the start of the query's
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.audit.files.folder import Folder
from gateway.audit.files.literal import literal
from gateway.audit.files.parquet import MAX_OBJECT
from gateway.audit.files.record import COLUMNS

_LATE = literal(
    "a segment was sealed while this query ran, or its transaction, or the clock was set back: "
    "run it again in a new transaction"
)
_UNSEALED = literal("a sealed file has no seal, and its records are nowhere else; see regate audit verify: ")
_GONE = literal("a file of the evidence is gone, and retention did not drop it; see regate audit verify: ")
_HALF = literal("seals.ndjson has a line that is no whole seal; see regate audit verify: ")
_TWICE = literal("seals.ndjson has two seals of the same; see regate audit verify: ")
_TOMBSTONE_BYTES = 200  # a tombstone has fewer, a segment with a record has more


# The columns of `every_record` with their types, in order.
RECORD_TYPES: Mapping[str, str] = {
    **COLUMNS,
    "body": "JSON",
    "erased_at": "TIMESTAMPTZ",
    "order_id": "VARCHAR",
    "segment": "VARCHAR",
}


def every_record(root: str, unless: str = "") -> str:
    """Return the SELECT of all records in the folder that the SQL expression `root` names.

    `unless` is a SELECT of what else makes the query fail.
    """
    columns = {**COLUMNS, "body": "JSON"}
    spec = {**columns, "visible_at": "TIMESTAMPTZ"}
    listed = ", ".join(f"{name}: {literal(kind)}" for name, kind in spec.items())
    live = f"""
        read_ndjson({root} || '/journal/*.ndjson', columns={{{listed}}}, ignore_errors=true, filename=true,
            maximum_object_size={MAX_OBJECT})
    """
    return _joined(
        root,
        columns=list(RECORD_TYPES),
        live=live,
        live_columns={
            **{name: name for name in columns},
            "erased_at": "NULL::TIMESTAMPTZ",  # what is erased is sealed
            "order_id": "NULL::VARCHAR",
        },
        is_record="seq IS NOT NULL AND kind IS NOT NULL",
        visible_at="visible_at",
        sealed_columns={
            **{name: name for name in COLUMNS},
            "body": "line->'$.body'",
            "erased_at": "nullif(line->>'$.withheld.at', '')::TIMESTAMPTZ",
            "order_id": "nullif(line->>'$.withheld.order', '')",
        },
        unless=unless,
    )


def verbatim_lines(folder: Folder) -> str:
    """Return the SELECT of every record as (line, recorded_at): the line byte for byte, in no order."""
    root = literal(str(folder.root))
    live = f"""
        read_ndjson_objects({root} || '/journal/*.ndjson', ignore_errors=true, filename=true,
            maximum_object_size={MAX_OBJECT})
    """
    return _joined(
        root,
        columns=["line", "recorded_at"],
        live=live,
        live_columns={"line": "json::VARCHAR", "recorded_at": "(json->>'$.recorded_at')::TIMESTAMPTZ"},
        is_record="(json->>'$.seq') IS NOT NULL AND (json->>'$.kind') IS NOT NULL",
        visible_at="(json->>'$.visible_at')::TIMESTAMPTZ",
        sealed_columns={"line": "line::VARCHAR", "recorded_at": "recorded_at"},
    )


def _joined(
    root: str,
    *,
    columns: list[str],
    live: str,
    live_columns: Mapping[str, str],
    is_record: str,
    visible_at: str,
    sealed_columns: Mapping[str, str],
    unless: str = "",
) -> str:
    late = f"{visible_at} > now()"
    from_live = ", ".join(
        f"CASE WHEN {late} THEN error({_LATE}) ELSE {said} END AS {name}"
        for name, said in live_columns.items()
    )
    from_sealed = ", ".join(f"{said} AS {name}" for name, said in sealed_columns.items())
    return f"""
        SELECT {", ".join(columns)} FROM (
            SELECT {from_live}, parse_filename(filename, true) AS segment, false AS is_sealed
            FROM {live}
            WHERE CASE WHEN {late} THEN error({_LATE})::BOOLEAN ELSE {is_record} END
                AND split_part(parse_filename(filename, true), '-', 1) IN ({_registered(root)})
            UNION ALL
            SELECT {from_sealed}, parse_filename(filename, true) AS segment, true AS is_sealed
            FROM read_parquet({root} || '/sealed/*/*.parquet', filename=true, hive_partitioning=false,
                union_by_name=true)
            WHERE seq IS NOT NULL AND kind IS NOT NULL
        ) WHERE is_sealed =
            (CASE WHEN is_sealed THEN 'file ' ELSE 'segment ' END || segment IN ({visible(root, unless)}))
    """  # noqa: S608 - our own names; the root is a quoted path


def _registered(root: str) -> str:
    """Return the SELECT of the writers whose birth is in the log, or a head from before births.

    SQL cannot check a signature: this leaves out a chain that was put into the folder; what is left,
    `regate audit verify` proves.
    """
    return f"""
        SELECT writer FROM read_ndjson({root} || '/checkpoints.ndjson', ignore_errors=true,
            columns={{kind: 'VARCHAR', writer: 'VARCHAR'}})
        WHERE kind IN ('birth', 'head')
    """  # noqa: S608 - our own names; the root is a quoted path


def visible(root: str, unless: str = "") -> str:
    """Return the SELECT of the segments and files that are read as sealed; it fails where one is missing.

    `unless` is a SELECT of what else makes it fail. Each file is named once, and looked into once: what a
    question takes is mostly that.
    """
    return f"""
        WITH said AS MATERIALIZED (
            SELECT kind, path, file, visible_at,
                list_transform(segments, lambda held: held.segment) AS segments
            FROM read_ndjson({root} || '/seals.ndjson', ignore_errors=true, columns={{kind: 'VARCHAR',
                path: 'VARCHAR', file: 'VARCHAR', segments: 'STRUCT(segment VARCHAR)[]',
                visible_at: 'TIMESTAMPTZ'}})
        ), live AS MATERIALIZED (
            SELECT parse_filename(filename, true) AS segment, size
            FROM read_blob({root} || '/journal/*.ndjson')
        ), seals AS MATERIALIZED (
            SELECT file, segments, visible_at <= now()
                OR NOT list_has_all((SELECT list(segment) FROM live), segments) AS is_visible
            FROM said WHERE file IS NOT NULL AND segments IS NOT NULL
        ), sealed AS MATERIALIZED (
            SELECT parse_filename(file, true) AS file FROM glob({root} || '/sealed/*/*.parquet')
        ), named AS MATERIALIZED (
            SELECT unnest(list_append(list_transform(segments, lambda held: 'segment ' || held),
                'file ' || file)) AS name, is_visible, file IN (SELECT file FROM sealed) AS is_there
            FROM seals
        )
        SELECT name FROM named WHERE is_visible AND is_there
        UNION ALL
        SELECT error({_HALF} || coalesce(file, path, 'it names no file')) FROM said
        WHERE (kind IS NOT DISTINCT FROM 'seal' OR file IS NOT NULL OR segments IS NOT NULL) AND (
            kind IS DISTINCT FROM 'seal' OR file IS NULL OR segments IS NULL OR visible_at IS NULL
            OR list_count(segments) < len(segments))
        UNION ALL
        SELECT error({_TWICE} || name) FROM named GROUP BY name HAVING count(*) > 1
        UNION ALL
        SELECT error({_UNSEALED} || file) FROM sealed
        WHERE file <> 'empty' AND file NOT IN (SELECT file FROM seals)
            AND file NOT IN (SELECT segment FROM live WHERE size > {_TOMBSTONE_BYTES})
        UNION ALL
        SELECT error({_GONE} || name) FROM ({_gone(root)})
        {f"UNION ALL {unless}" if unless else ""}
    """  # noqa: S608 - our own names; the root is a quoted path


def _gone(root: str) -> str:
    """Return the SELECT of the sealed files and the segments that should be there and are not.

    Only what was signed before the query counts: it was there when the query looked for files.
    """
    return f"""
        SELECT file AS name FROM seals WHERE is_visible
            AND file NOT IN (SELECT file FROM sealed)
            AND file NOT IN (
                SELECT parse_filename(path, true) FROM said WHERE kind = 'dropped' AND path IS NOT NULL)
        UNION ALL
        SELECT segment FROM read_ndjson({root} || '/checkpoints.ndjson', ignore_errors=true,
            columns={{kind: 'VARCHAR', segment: 'VARCHAR', signed_at: 'TIMESTAMPTZ'}})
        WHERE kind IN ('end', 'head') AND segment <> '' AND signed_at <= now()
            AND segment NOT IN (SELECT segment FROM live)
            AND segment NOT IN (SELECT unnest(segments) FROM seals)
    """  # noqa: S608 - our own names; the root is a quoted path
