"""What a candidate policy would have decided about recorded traffic, and would decide about live traffic."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.candidate.backtest import run_backtest
    from gateway.candidate.comparing import ERROR, FailOn, Transition, compare, parse_fail_on
    from gateway.candidate.report import BacktestReport, Cell, Example
    from gateway.candidate.shadow import Difference, Question, Shadow, ShadowStatus
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "ERROR",
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
