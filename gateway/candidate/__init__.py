"""What a candidate policy would have decided about recorded traffic, and would decide about live traffic."""

from gateway.candidate.backtest import run_backtest
from gateway.candidate.comparing import FailOn, Transition, compare, parse_fail_on
from gateway.candidate.report import BacktestReport, Cell, Example
from gateway.candidate.shadow import Difference, Question, Shadow, ShadowStatus

__all__ = [
    "BacktestReport",
    "Cell",
    "Difference",
    "Example",
    "FailOn",
    "Question",
    "Shadow",
    "ShadowStatus",
    "Transition",
    "compare",
    "parse_fail_on",
    "run_backtest",
]
