"""The `regate` command."""
