"""SQL that gives the columns of stored records to the views: what is not known is NULL, words have a rank."""

from __future__ import annotations

import msgspec

from gateway.audit.files.record import SENTINELS, FindingColumns, ReasonColumns

# What the views are made over: every record as the journal has it, with '' and -1 for what is not known.
STORED = "stored.records"

# Names that SQL or another view has for something else.
RENAMED = {"distinct": "distinct_values", "new": "new_values"}

WHO = ("agent", "owner", "on_behalf_of", "delegation", "key_id", "source_ip")
CALL = ("provider", "dialect", "model", "method", "path")


def known(*names: str) -> str:
    """Return the columns of these names, NULL where the record says that there is no value."""
    return ", ".join(
        f"nullif({name}, {SENTINELS[name]}) AS {name}" if name in SENTINELS else name for name in names
    )


def text(path: str, name: str) -> str:
    """Return a text of the body as a column, NULL where it is empty."""
    return f"nullif(body->>'$.{path}', '') AS {name}"


def rank(column: str, *words: str) -> str:
    """Return a column that orders the words of another one, from 1."""
    cases = " ".join(f"WHEN '{word}' THEN {place}" for place, word in enumerate(words, 1))
    return f"CASE {column} {cases} END AS {column}_rank"


ACTION = f"{known('action')}, {rank('action', 'allow', 'mask', 'require_approval', 'deny')}"
SEVERITY_RANK = rank("severity", "low", "medium", "high", "critical")


def _rows(column: str, kind: type[msgspec.Struct]) -> str:
    """Return a list of rows as a column, with NULL for their empty texts."""
    fields = ", ".join(
        f"'{field.name}': nullif(one.\"{field.name}\", '')"
        if field.default == ""
        else f"'{field.name}': one.\"{field.name}\""
        for field in msgspec.structs.fields(kind)
    )
    return f"list_transform({column}, lambda one: {{{fields}}})"


FINDINGS = _rows("findings", FindingColumns)
REASONS = _rows("reasons", ReasonColumns)
FINDING_COLUMNS = ", ".join(
    f'one."{name}" AS {RENAMED.get(name, name)}' for name in FindingColumns.__struct_fields__
)
REASON_COLUMNS = ", ".join(f"one.{name} AS {name}" for name in ReasonColumns.__struct_fields__)
