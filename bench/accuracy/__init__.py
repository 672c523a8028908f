"""How well values are found: a corpus, a score, a report."""
