"""Benchmarks: what governing costs, as ratios in one run on one machine."""
