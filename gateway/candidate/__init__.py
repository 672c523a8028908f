"""What a candidate policy would have decided: about the traffic that was recorded."""

from gateway.candidate.backtest import run_backtest
from gateway.candidate.comparing import Gate, Transition, compare, parse_gates
from gateway.candidate.report import Cell, Example, Report

__all__ = ["Cell", "Example", "Gate", "Report", "Transition", "compare", "parse_gates", "run_backtest"]
