"""What people read of an approval, from the line that its summary shows: `role: text`."""

from __future__ import annotations

from gateway.approvals import ContentEntry, Contents


def told(summary: str) -> Contents:
    """Return the contents whose summary this is, one text."""
    role, _, text = summary.partition(": ")
    return (ContentEntry("text", role, "/messages/0/content", text),)
