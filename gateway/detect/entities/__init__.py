"""The entities: what a value of each looks like."""
