"""Detection beside the event loop: cache, processes and names."""
