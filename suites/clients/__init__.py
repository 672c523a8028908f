"""Clients as people install them, each at a task with personal data before the gateway."""
