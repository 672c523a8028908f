"""Regate's data path and its admin API."""

__version__ = "0.1.0"
