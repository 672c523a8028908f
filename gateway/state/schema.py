"""The tables, and the version number that says which shape of them a file holds."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 3

metadata = MetaData()

# What brings a file of an older version to the next one.
UPGRADES = {
    1: "ALTER TABLE usage ADD COLUMN cost INTEGER NOT NULL DEFAULT 0",
    2: "CREATE TABLE IF NOT EXISTS writers (writer TEXT NOT NULL PRIMARY KEY, born_at FLOAT NOT NULL)",
}

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# Times are seconds since 1970, UTC.
keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("agent", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("role", Text, nullable=False),
    Column("delegate", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("binding", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("on_behalf_of", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("exchange_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("summary", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("quorum", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("decided_at", Float),
    Column("used_at", Float),
    Column("given_back", Integer, nullable=False),
    Column("completion_digest", Text, nullable=False),
    Column("completion", LargeBinary),
)
# One pending approval per binding; an approved one may stand beside it after it was given back.
Index("approvals_pending", approvals.c.binding, unique=True, sqlite_where=approvals.c.status == "pending")
Index("approvals_by_binding", approvals.c.binding, approvals.c.status)
Index("approvals_by_status", approvals.c.status, approvals.c.agent)

# One vote per person: a quorum counts people, not keys.
votes = Table(
    "votes",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Float, nullable=False),
)

# What each agent used, in slots of `width` seconds starting at `slot`.
usage = Table(
    "usage",
    metadata,
    Column("width", Integer, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("agent", Text, primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("cost", Integer, nullable=False, server_default="0"),  # in millionths
    sqlite_with_rowid=False,
)

# The writers of evidence that were born here, so that evidence cannot go missing with its own register.
writers = Table(
    "writers",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("born_at", Float, nullable=False),
)
