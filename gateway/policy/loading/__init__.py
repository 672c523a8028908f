"""Reading policy, in a process of its own, wherever it comes from."""
