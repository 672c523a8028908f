"""What the shadow policy of the configuration said so far, read from the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from cli.screen import line
from gateway.audit.reading import query
from gateway.candidate import Difference

_EXAMPLES = 5
_DIFFERENCES = f"""
    SELECT "before", "after", changed, count(*) AS count, arg_max(decision_id, recorded_at, {_EXAMPLES})
    FROM shadow WHERE revision = ? AND recorded_at IS NOT NULL
    GROUP BY ALL ORDER BY count DESC, "before", "after", changed
"""  # noqa: S608 - our own number
_DROPPED = """
    SELECT coalesce(sum((body->>'$.dropped')::BIGINT), 0)::BIGINT FROM records
    WHERE kind = 'shadow' AND code = 'dropped' AND revision = ?
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """What one revision of a candidate said about live traffic, all workers together."""

    asked: int
    dropped: int
    differences: tuple[Difference, ...]


def compared(audit: Path, revision: str) -> Compared:
    """Query what the journal holds of this revision. Raises QueryFailed, ConfigError."""
    with query(audit, _DIFFERENCES, [revision]) as result:
        rows = [
            Difference(b, a, tuple(changed), count, tuple(ids)) for b, a, changed, count, ids in result.rows
        ]
    with query(audit, _DROPPED, [revision]) as result:
        dropped = next(row[0] for row in result.rows)
    different = tuple(row for row in rows if row.before != row.after or row.changed)
    return Compared(sum(row.count for row in rows), dropped, different)


def print_compared(found: Compared) -> None:
    """Print one row a difference, with the newest decisions behind it."""
    same = found.asked - sum(row.count for row in found.differences)
    typer.echo(f"asked     {found.asked:,}, the same decision {same:,}, not asked {found.dropped:,}")
    for row in found.differences:
        what = f"   other {', '.join(row.changed)}" if row.changed else ""
        typer.echo(line(f"  {row.before} → {row.after}: {row.count:,}{what}   {' '.join(row.decision_ids)}"))
