"""What a backtest found: how often decisions would have been others, and in which exchanges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.audit.reading import RecordedDecision
from gateway.candidate.comparing import FailOn, Transition, refused
from gateway.contract import Decision, to_document
from gateway.errors import PolicyUnavailable, RegateError


@dataclass(frozen=True, slots=True)
class Example:
    """One exchange behind a difference, and what the candidate said; `error` when it failed.

    Among the reasons are those of rules on trial; theirs have `would`.
    """

    exchange_id: str
    decision_id: str
    agent: str
    phase: str
    recorded_at: str
    reasons: tuple[dict[str, Any], ...] = ()
    error: str = ""

    def said(self) -> list[str]:
        """Return what each rule says, and what one on trial would have done."""
        return [
            f"{reason['rule']}{' would have said ' + would if (would := reason.get('would')) else ''}: "
            f"{reason['message'] or reason['title']}"
            for reason in self.reasons
        ]


@dataclass(slots=True)
class Cell:
    """How often one transition was found, with the first exchanges behind it."""

    transition: Transition
    count: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class BacktestReport:
    """A backtest's result; each recorded decision is in a cell or in `lost`, unless sampling left it out.

    `untrue` counts decisions that the very same revision now makes otherwise: the replay is not exact, or the
    evidence was altered.
    """

    revision: str
    engine: str
    recorded: int
    dropped_segments: int = 0
    dropped_records: int = 0
    cells: dict[Transition, Cell] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    untrue: int = 0
    untrue_examples: list[Example] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def replayed(self) -> int:
        return sum(cell.count for cell in self.cells.values())

    @property
    def different(self) -> int:
        return sum(cell.count for cell in self.cells.values() if not cell.transition.same)

    def add(
        self, recorded: RecordedDecision, transition: Transition, said: Decision | RegateError, limit: int
    ) -> None:
        """Count one replayed decision; the first `limit` of each cell are kept."""
        cell = self.cells.setdefault(transition, Cell(transition))
        cell.count += 1
        if transition.same:
            return
        # an engine that was late says nothing of the evidence
        untrue = recorded.revision == self.revision and not isinstance(said, PolicyUnavailable)
        self.untrue += untrue
        if len(cell.examples) < limit:
            cell.examples.append(_example(recorded, said))
        if untrue and len(self.untrue_examples) < limit:
            self.untrue_examples.append(_example(recorded, said))

    def refused_by(self, gates: Sequence[FailOn]) -> list[Cell]:
        """Return the cells that `--fail-on` refuses."""
        return [cell for cell in self.ordered() if refused(gates, cell.transition)]

    def ordered(self) -> list[Cell]:
        """Sort the cells: differences first, the most frequent at the top."""
        return sorted(
            self.cells.values(), key=lambda cell: (cell.transition.same, -cell.count, cell.transition)
        )

    def document(self, gates: Sequence[FailOn] = ()) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "revision": self.revision,
            "engine": self.engine,
            "recorded": self.recorded,
            "replayed": self.replayed,
            "different": self.different,
            "lost": dict(self.lost),
            "dropped": {"segments": self.dropped_segments, "records": self.dropped_records},
            "untrue": {"count": self.untrue, "exchanges": [asdict(one) for one in self.untrue_examples]},
            "transitions": [
                {
                    "from": cell.transition.before,
                    "to": cell.transition.after,
                    "changed": list(cell.transition.changed),
                    "count": cell.count,
                    "refused": refused(gates, cell.transition),
                    "exchanges": [asdict(one) for one in cell.examples],
                }
                for cell in self.ordered()
            ],
            "seconds": round(self.seconds, 3),
        }


def _example(recorded: RecordedDecision, said: Decision | RegateError) -> Example:
    told = to_document(said) if isinstance(said, Decision) else {"reasons": [], "warnings": []}
    return Example(
        recorded.exchange_id,
        recorded.decision_id,
        recorded.agent,
        recorded.phase,
        recorded.recorded_at,
        (*told["reasons"], *(one for one in told["warnings"] if one.get("would"))),
        str(said) if isinstance(said, RegateError) else "",
    )
