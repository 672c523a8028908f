"""What people read of an approval, from the line that its summary shows: `role: text`."""

from __future__ import annotations

from gateway.approvals import Contents, Entry


def told(summary: str) -> Contents:
    """Return the contents whose summary this is, one text."""
    role, _, text = summary.partition(": ")
    return (Entry("text", role, "/messages/0/content", text),)
