"""`regate audit`: ask the evidence, prove it, follow it, seal it. Works on the files; no gateway need run."""

from __future__ import annotations

from cli.late import Late, late_group

COMMANDS = {
    "sql": Late(
        "cli.audit.sql:sql",
        "Ask the evidence in SQL; `regate audit views` lists the views and their columns.",
    ),
    "views": Late(
        "cli.audit.sql:views",
        "Write audit.duckdb anew (views only, for other DuckDB clients) "
        "and list the views with their columns.",
    ),
    "open": Late(
        "cli.audit.sql:open_folder",
        "Ask a copy of an audit folder in SQL, and write its audit.duckdb anew, so that it reads the copy.",
    ),
    "tail": Late("cli.audit.tail:tail", "Print the newest records, and those to come."),
    "export": Late(
        "cli.audit.export:export",
        "Write the evidence out for other tools. "
        "Records as JSON lines are the journal's lines as they stand.",
    ),
    "ship": Late(
        "cli.audit.ship:ship_evidence",
        "Ship the evidence to the receivers in the configuration, until Ctrl-C.",
    ),
    "erase": Late(
        "cli.audit.erase:erase",
        "Make what was said unreadable, for ever. "
        "Who asked, what policy found and decided, and the chain, stay.",
    ),
    "subject": Late(
        "cli.audit.subject:subject",
        "Find a person in the evidence: as end user, owner, approver, and as a value in texts; "
        "export what is theirs, or erase it.",
    ),
    "hold": Late(
        "cli.audit.hold:hold",
        "Put a session, an agent, a person or everything on legal hold: "
        "no erasure and no retention removes it.",
    ),
    "release": Late("cli.audit.hold:release", "End a legal hold: what waits to be erased then goes."),
    "verify": Late(
        "cli.audit.chain:verify",
        "Prove the chain: 0 intact, 1 broken, with the first broken record of each chain.",
    ),
    "prove": Late(
        "cli.audit.chain:prove",
        "Write a proof that a record is in the signed evidence, for `regate audit verify --proof`.",
    ),
    "report": Late(
        "cli.audit.report:report",
        "Answer what a framework demands of the log: one HTML page, and the rows behind it as Parquet.",
    ),
    "seal": Late(
        "cli.audit.chain:seal",
        "Seal what no gateway is writing any more, of closed and of dead processes, and sign a root.",
    ),
    "tiles": Late(
        "cli.audit.tiles:write",
        "Write the log of heads as tiles (C2SP tlog-tiles), with the checkpoint that witnesses cosigned.",
    ),
    "rotate-key": Late(
        "cli.audit.chain:rotate_key",
        "Replace the evidence key, with which running gateways sign at once; either proves all the evidence.",
    ),
}

app = late_group("The evidence: ask it, prove it, follow it, seal it.", COMMANDS)
