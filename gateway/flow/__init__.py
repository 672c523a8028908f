"""The steps of one exchange that `pipeline.py` tells as a story."""
