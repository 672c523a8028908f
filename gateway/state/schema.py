"""The tables, and the version number that says which shape of them a file holds."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
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

VERSION = 18

metadata = MetaData()

# SQLite turns a sum that is out of range into a decimal, to which small numbers add nothing any more.
_WHOLE = "typeof(requests) = 'integer' AND typeof(tokens) = 'integer' AND typeof(cost) = 'integer'"

# What brings a file of an older version to the next one.
UPGRADES = {
    1: "ALTER TABLE usage ADD COLUMN cost INTEGER NOT NULL DEFAULT 0",
    2: "ALTER TABLE votes ADD COLUMN groups JSON NOT NULL DEFAULT '[]'",
    3: "CREATE TABLE IF NOT EXISTS shown (approval_id TEXT NOT NULL PRIMARY KEY, "
    "digest TEXT NOT NULL, document BLOB NOT NULL)",
    4: "CREATE TABLE IF NOT EXISTS ended_visits (id TEXT NOT NULL PRIMARY KEY, until FLOAT NOT NULL)",
    5: "CREATE TABLE IF NOT EXISTS writers (writer TEXT NOT NULL PRIMARY KEY, born_at FLOAT NOT NULL)",
    6: "CREATE TABLE IF NOT EXISTS tool_pins (server TEXT NOT NULL, tool TEXT NOT NULL, "
    "digest TEXT NOT NULL, pinned_at FLOAT NOT NULL, PRIMARY KEY (server, tool))",
    7: "CREATE TABLE IF NOT EXISTS task_holders (task TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, "
    "seen_at FLOAT NOT NULL)",
    8: "CREATE TABLE IF NOT EXISTS usage_counts (scope TEXT NOT NULL, name TEXT NOT NULL, "
    "requests INTEGER NOT NULL, tokens INTEGER NOT NULL, cost INTEGER NOT NULL, lowered INTEGER NOT NULL, "
    f"PRIMARY KEY (scope, name), CHECK ({_WHOLE})) WITHOUT ROWID",
    9: "CREATE TABLE IF NOT EXISTS usage_marks (scope TEXT NOT NULL, name TEXT NOT NULL, "
    "until INTEGER NOT NULL, since INTEGER NOT NULL, requests INTEGER NOT NULL, tokens INTEGER NOT NULL, "
    f"cost INTEGER NOT NULL, PRIMARY KEY (scope, name, until), CHECK ({_WHOLE})) WITHOUT ROWID",
    10: "INSERT INTO usage_marks SELECT 'agent', agent, min(slot + 1800, CAST(strftime('%s') AS INTEGER)), "
    "slot, sum(requests) OVER earlier - requests, sum(tokens) OVER earlier - tokens, "
    "sum(cost) OVER earlier - cost FROM usage WHERE width = 1800 "
    "WINDOW earlier AS (PARTITION BY agent ORDER BY slot)",
    11: "INSERT INTO usage_counts SELECT 'agent', agent, sum(requests), sum(tokens), sum(cost), 0 FROM usage "
    "WHERE width = 1800 GROUP BY agent",
    12: "DROP TABLE usage",
    13: "ALTER TABLE approvals ADD COLUMN all_of JSON NOT NULL DEFAULT '[]'",
    14: "ALTER TABLE keys ADD COLUMN scope JSON NOT NULL DEFAULT '{}'",
    15: "ALTER TABLE keys ADD COLUMN last_used_at FLOAT",
    16: "ALTER TABLE keys ADD COLUMN replaces TEXT NOT NULL DEFAULT ''",
    17: "ALTER TABLE approvals ADD COLUMN delegation TEXT NOT NULL DEFAULT 'asserted'",
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
    Column("scope", JSON, nullable=False, server_default="{}"),
    Column("last_used_at", Float),
    Column("replaces", Text, nullable=False, server_default=""),
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
    Column("all_of", JSON, nullable=False, server_default="[]"),
    Column("delegation", Text, nullable=False, server_default="asserted"),
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

# What people read before they decide: masked, as JSON, and kept until the approval ends.
shown = Table(
    "shown",
    metadata,
    Column("approval_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

# Console visits that were ended before their time, until that has passed.
ended_visits = Table(
    "ended_visits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("until", Float, nullable=False),
)

# One vote per person: a quorum counts people, not keys.
votes = Table(
    "votes",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("groups", JSON, nullable=False, server_default="[]"),  # of the key, when it voted
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Float, nullable=False),
)

# What each agent, person and team has used since it was first seen: a meter that only goes on.
usage_counts = Table(
    "usage_counts",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("cost", Integer, nullable=False),  # in millionths
    Column("lowered", Integer, nullable=False),  # how often its marks were lowered
    CheckConstraint(_WHOLE),
    sqlite_with_rowid=False,
)

# How far those meters stood before anything of the time from `since` to `until` was counted.
usage_marks = Table(
    "usage_marks",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("until", Integer, primary_key=True, autoincrement=False),
    Column("since", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("cost", Integer, nullable=False),
    CheckConstraint(_WHOLE),
    sqlite_with_rowid=False,
)

# The writers of evidence that were born here, so that evidence cannot go missing with its own register.
writers = Table(
    "writers",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("born_at", Float, nullable=False),
)

# What each tool of a server said of itself when it last passed.
tool_pins = Table(
    "tool_pins",
    metadata,
    Column("server", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("pinned_at", Float, nullable=False),
)

# To whom the ids of tasks went first.
task_holders = Table(
    "task_holders",
    metadata,
    Column("task", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("seen_at", Float, nullable=False),
)
