"""What a candidate policy would have decided about recorded traffic, and would decide about live traffic."""

from gateway.candidate.backtest import run_backtest
from gateway.candidate.comparing import Gate, Transition, compare, parse_gates
from gateway.candidate.report import Cell, Example, Report
from gateway.candidate.shadow import Difference, Question, Shadow, ShadowStatus

__all__ = [
    "Cell",
    "Difference",
    "Example",
    "Gate",
    "Question",
    "Report",
    "Shadow",
    "ShadowStatus",
    "Transition",
    "compare",
    "parse_gates",
    "run_backtest",
]
