"""What the views and their columns mean: the database's comments and the reference page say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.audit.files.literal import literal
from gateway.audit.files.record import FINDING_MEANINGS, MEANINGS, REASON_MEANINGS


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, and what its columns mean where that differs from `_MEANINGS`."""

    row: str
    columns: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


# What a column means in every view that has it, unless the view says something else.
_MEANINGS = {
    **MEANINGS,
    "recorded_at": "when, by the gateway's clock (UTC)",
    "segment": "the file it is in: a live segment, or a sealed file named by its first segment",
    "sent": "whether anything went to the provider: `yes`, `no`, or `unknown`, which means that it may have",
    "seq": "its number in the writer's chain, from 1",
    "writer": "the process that wrote the record",
}

_ORDERED = "the decision's action; ORDER BY and max() know their order"

_STATES = """| `state` | the exchange |
|---|---|
| `completed` | was answered |
| `refused` | ended with a refusal of Regate's: policy, a person, a limit, a fault of its own |
| `held` | waits for approval, or its wait ended with the approval still pending |
| `cancelled` | ended because the agent left or the gateway drained |
| `failed` | the provider could not be reached, broke off, or answered with an error |
| `interrupted` | has no closing record: it is under way, or the gateway died in it |
"""

VIEWS: Mapping[str, View] = {
    "sessions": View(
        "a session",
        {
            "on_behalf_of": "the end users that were named",
            "started_at": "its first record",
            "ended_at": "its last record",
            "exchanges": "how many exchanges",
            "denied": "exchanges with a decision to deny",
            "masked": "exchanges with a decision to mask",
            "held": "exchanges with a decision to ask for approval",
            "input_tokens": "the sum of what providers counted",
            "output_tokens": "the sum of what providers counted",
            "cost": "the sum of what is known",
            "models": "the models asked for",
            "entities": "the entities found",
        },
    ),
    "exchanges": View(
        "an exchange, joined with its completion",
        {
            "started_at": "its first record",
            "ended_at": "its closing record; NULL without one",
            "action": "the last decision on the prompt; empty when policy was not asked",
            "response_action": "the last decision on the completion; empty when policy was not asked",
            "decision_id": "the last decision on the prompt",
            "state": "how it ended, see below",
            "prompt": "the prompt's texts as policy saw them, a part a line: every finding is a placeholder, "
            "also where the value itself was sent (see `egress`); `[not recorded]` where that is so",
            "completion": "the completion's texts likewise",
        },
        _STATES,
    ),
    "egress": View(
        "an entity of a prompt, with whether the prompt left the gateway; one for a prompt without findings",
        {
            "started_at": "the exchange's first record",
            "action": "the last decision on the prompt; empty when policy was not asked",
            "state": "how the exchange ended, as in the view `exchanges`",
            "entity": "what was found, as in `EMAIL_ADDRESS`; NULL when nothing was",
            "category": FINDING_MEANINGS["category"],
            "treatment": "what the last decision did to it; `passed` is the value itself, once at least",
            "count": "how often, parts of earlier exchanges that were sent again included",
            "distinct": "how many different values",
        },
        "A value itself left when `treatment` is `passed` and `sent` is not `no`.",
    ),
    "decisions": View(
        "a decision, in both phases",
        {"action": "the action; ORDER BY and max() know their order"},
    ),
    "reasons": View(
        "a reason of a decision",
        {
            "action": _ORDERED,
            **REASON_MEANINGS,
        },
    ),
    "findings": View(
        "an entity found in a decision's prompt or completion. Never the value",
        {
            "action": _ORDERED,
            **FINDING_MEANINGS,
        },
    ),
    "shadow": View(
        "a decision that the shadow policy made as well",
        {
            "decision_id": "the decision that acted",
            "before": "the action that was decided",
            "after": "the candidate's action; `error` when it failed",
            "changed": "what differs within one action: `mask`, `approval`, `reasons`, `record`, `response`",
            "differs": "whether it is another decision",
            "reasons": "the candidate's reasons, as in the view `reasons`",
            "code": "the code of the candidate's failure; empty when it decided",
            "error": "the failure in words",
            "live_revision": "the revision that decided",
            "revision": "the candidate's revision",
            "duration_ms": "milliseconds that the candidate took",
            "body": "the candidate's decision, compared",
        },
    ),
    "approvals": View(
        "an approval, with its last status",
        {
            "approval_id": "the approval",
            "status": "`pending`, `approved`, `denied`, `expired`, `cancelled`, `used`",
            "opened_at": "its first record",
            "changed_at": "its last record",
            "agent": "the agent that asked",
            "approvers": "who has approved",
            "transitions": "every record of it, in order",
        },
    ),
    "access": View(
        "an act of a person, or of a gateway for the person who runs it",
        {
            "act": "what was done, as in the codes of `gateway` records",
            "by": "the owner of the key, or the operating system's user",
            "key_id": "the key that acted; NULL at the command line",
            "face": "`api`, `cli` or `gateway`",
            "session_id": "the session that it was about; empty when it was about none",
        },
    ),
    "policy_activations": View(
        "a policy that came into force in a worker",
        {
            "before": "the revision in force until then; empty at the start",
            "cause": "`start`, or `edit` when a change of the files was seen",
            "path": "where the policy was read",
            "by": "the operating system's user that runs the gateway",
        },
    ),
    "parts": View(
        "a part of a prompt or completion, with its text",
        {
            "record_kind": "the kind of the record that names the part",
            "phase": "`request`, `response`, or empty in a closing record",
            "place": "its place in the record, from 1",
            "role": "the part's role",
            "kind": "the part's kind",
            "pointer": "its JSON pointer",
            "digest": "its keyed digest",
            "new": "not seen before in this session",
            "text": "its text, wherever its session stored it; NULL when it was not recorded",
        },
    ),
    "records": View(
        "a record",
        {
            "action": "`allow`, `mask`, `require_approval`, `deny`, or empty",
            "commitment": "SHA-256 of the salted body",
            "prev": "the hash of the writer's record before",
            "hash": "the record's own hash",
        },
    ),
}


def meaning(view: str, column: str) -> str:
    """Return what the column means. Raises KeyError for a column without a description."""
    return VIEWS[view].columns.get(column) or _MEANINGS[column]


def comments(columns: Mapping[str, list[tuple[str, str]]]) -> Iterator[str]:
    """Yield COMMENT statements for the views and their columns: any DuckDB client shows what they mean."""
    for view, names in columns.items():
        yield f"COMMENT ON VIEW {view} IS {literal(f'One row {VIEWS[view].row}.')}"
        for name, _ in names:
            yield f'COMMENT ON COLUMN {view}."{name}" IS {literal(meaning(view, name))}'


def reference(columns: Mapping[str, list[tuple[str, str]]]) -> str:
    """Write the reference page; `columns` holds each view's columns with their types."""
    lines = [
        "# The views, column by column",
        "",
        "Written by `regate audit views --markdown`. [audit.md](audit.md) says what they are for, and",
        "[questions.md](../guides/questions.md) what people ask them. Empty strings and -1 stand for",
        "what does not apply.",
    ]
    for view, described in VIEWS.items():
        lines += [
            "",
            f"## {view}",
            "",
            f"One row {described.row}.",
            "",
            "| column | type | |",
            "|---|---|---|",
        ]
        lines += [f"| `{name}` | {kind} | {meaning(view, name)} |" for name, kind in columns[view]]
        lines += ["", described.note.strip()] if described.note else []
    return "\n".join(lines) + "\n"
