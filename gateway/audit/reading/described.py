"""What each view's rows are, and what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.audit.files.record import FINDING_MEANINGS, MEANINGS, REASON_MEANINGS
from gateway.audit.reading.columns import RENAMED


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, and what its columns mean where that differs from `COMMON`."""

    row: str
    columns: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


_RANK = "1 to 4, in the order `allow`, `mask`, `require_approval`, `deny`"

# What a column means in every view that has it, unless the view says something else.
COMMON = {
    **MEANINGS,
    **dict.fromkeys(("action_rank", "response_action_rank"), _RANK),
    "body": "the record's body as JSON, as the journal has it; NULL once it was erased",
    "cached_tokens": "of the input tokens, those read from the provider's cache",
    "cache_written_tokens": "of the input tokens, those written into it",
    "reasoning_tokens": "of the output tokens, those that the model spent on reasoning",
    "erased_at": "when something of it was erased; NULL when nothing was",
    "order_id": "the order that it was erased by, as in `removals`",
    "distinct_values": "how many different values",
    "new_values": "how many of them in new parts",
    "person": "the owner of the key that acted, or the operating system's user",
    "recorded_at": "when, by the gateway's clock (UTC)",
    "started_at": "the exchange's first record",
    "segment": "the file it is in: a live segment, or a sealed file named by its first segment",
    "sent": "whether anything went to the provider: `yes`, `no`, or `unknown`, which means that it may have",
    "seq": "its number in the writer's chain, from 1",
    "trace_id": "the caller's trace, as its header `traceparent` says",
    "writer": "the process that wrote the record",
}

_ACTION = "the decision's action"
_REASON = {
    **REASON_MEANINGS,
    "severity": "`low`, `medium`, `high`, `critical`; NULL when the rule does not say",
    "severity_rank": "1 to 4, in that order",
}
_FINDING = {name: meaning for name, meaning in FINDING_MEANINGS.items() if name not in RENAMED}

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
            "end_users": "the end users that were named",
            "started_at": "its first record",
            "ended_at": "its last record",
            "exchanges": "how many exchanges",
            "denied": "exchanges with a decision to deny",
            "masked": "exchanges with a decision to mask",
            "held": "exchanges with a decision to ask for approval",
            **dict.fromkeys(("input_tokens", "output_tokens"), "the sum of what was counted, if any was"),
            "cost": "the sum of what is known; NULL when nothing is",
            "models": "the models asked for",
            "entities": "the entities found",
        },
    ),
    "exchanges": View(
        "an exchange, joined with its completion",
        {
            "ended_at": "its closing record; NULL without one",
            "action": "the last decision on the prompt; NULL when policy was not asked",
            "response_action": "the last decision on the completion; NULL when policy was not asked",
            "decision_id": "the last decision on the prompt",
            "state": "how it ended, see below",
        },
        _STATES,
    ),
    "contents": View(
        "an exchange, with what was said in it",
        {
            "prompt": "what was said in the prompt as policy saw it, a text a line: every finding is a "
            "placeholder, also where the value itself was sent (see `egress`); `[not recorded]` where that "
            "is so; NULL when there was nothing",
            "completion": "what was said in the completion likewise",
            "system": "the instructions to the model, as from a system or developer message",
            "messages": "the other messages in order, as in OpenTelemetry's `gen_ai.input.messages`; the "
            "content of a tool call is its name and its arguments, a line each",
            "answers": "the messages of the completion likewise",
            "fields": "the other texts of the prompt: parameters, metadata, roles, ids and types",
            "erased_at": "when something of it was erased last: `[erased]` stands for it, or nothing",
        },
        "The view `parts` has every text with its place.",
    ),
    "egress": View(
        "an entity of a prompt, with whether the prompt left the gateway; one for a prompt without findings",
        {
            "action": "the last decision on the prompt; NULL when policy was not asked",
            "state": "how the exchange ended, as in the view `exchanges`",
            "entity": "what was found, as in `EMAIL_ADDRESS`; NULL when nothing was",
            "category": FINDING_MEANINGS["category"],
            "treatment": "what the last decision did to it; `passed` is the value itself, once at least",
            "count": "how often, parts of earlier exchanges that were sent again included",
        },
        "A value itself left when `treatment` is `passed` and `sent` is not `no`.",
    ),
    "decisions": View(
        "a decision, in both phases",
        {
            "action": "the action",
            "tables": "the revisions of the tables that it may have read, by name; NULL without tables",
        },
    ),
    "reasons": View(
        "a reason of a decision",
        {
            "action": _ACTION,
            **_REASON,
        },
    ),
    "warnings": View(
        "a verdict that let pass and shows",
        {
            "action": _ACTION,
            **_REASON,
            "would": "what a rule that is only logged or waived would have done; NULL when it warns",
            "waiver": "the tickets of the waivers that held",
        },
    ),
    "findings": View(
        "an entity found in a decision's prompt or completion. Never the value",
        {
            "action": _ACTION,
            **_FINDING,
            "attributes": "domains, countries, issuers, internal: what gives no value away; NULL once erased",
        },
    ),
    "tool_calls": View(
        "a tool call that policy judged: a model's in a completion, or one that is the request itself",
        {
            "action": "what was decided about the prompt or completion that holds it",
            "tool": "the tool's name",
            "arguments": "as policy saw them, placeholders in them; NULL when they were not recorded",
            "restores": "the entities whose values go into the arguments in place of placeholders",
            "run_by": "the `agent`, the `provider` or a tool `server`; NULL where the dialect does not tell",
        },
        "A completion that policy was asked about twice has its calls twice, once for each decision.",
    ),
    "completions": View(
        "an answer that ended: whole, or broken off",
        {
            "response_model": "the model that answered, as the provider says",
            "finish_reason": "why the model stopped, as the provider says",
            "ttft_ms": "milliseconds until the first event of a stream went down; NULL without a stream",
            "streamed_digest": "HMAC of what a stream handed down, under the server's key; NULL without",
            "withheld_calls": "tool calls that were cut off by the token limit and withheld",
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
            "code": "the code of the candidate's failure; NULL when it decided",
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
            "state": "`pending`, `approved`, `denied`, `expired`, `cancelled`, `used`",
            "opened_at": "its first record",
            "changed_at": "its last record",
            "approvers": "who has approved",
            "all_of": "the requirements beside the quorum, each with who counts for it",
            "denied_by": "who denied it",
            "decided_at": "when it was approved or denied",
            "used_at": "when the request that it was given for was sent",
        },
    ),
    "approval_events": View(
        "a thing that happened to an approval",
        {
            "approval_id": "the approval",
            "event": "`requested`, `voted`, `vote_dropped`, `given_back`, or the state that it came to",
            "state": "the approval's state after it",
            "person": "who approved or denied; NULL when no person did",
            "key_id": "the key of that person",
            "verdict": "`approve` or `deny`",
            "note": "what the person wrote",
            "shown": "HMAC of what the person was shown, under the server's key, in hex",
        },
    ),
    "access": View(
        "an act of a person, or of a gateway for the person who runs it",
        {
            "act": "what was done, as in the codes of `gateway` records: who read what, among others",
            "key_id": "the key that acted; NULL at the command line",
            "face": "`api`, `cli` or `gateway`",
            "session_id": "the session that it was about; NULL when it was about none",
            "question": "the SELECT that was asked of the evidence",
        },
    ),
    "policy_activations": View(
        "a policy that came into force in a worker",
        {
            "before": "the revision in force until then; NULL at the start",
            "cause": "`start`, or `edit` of the files",
            "path": "where the policy was read",
            "person": "the operating system's user that runs the gateway",
        },
    ),
    "prompt_cache": View(
        "an exchange whose provider said what its prompt cache did",
        note="A count is 0 when the provider named the other one only.",
    ),
    "parts": View(
        "a part of a prompt or completion, with its text",
        {
            "record_kind": "the kind of the record that names the part",
            "phase": "`request`, `response`, or NULL in a closing record",
            "place": "its place in the record, from 1",
            "role": "the part's role",
            "kind": "the part's kind",
            "pointer": "its JSON pointer",
            "digest": "its keyed digest",
            "is_new": "not seen before in this session",
            "text": "its text, wherever its session stored it; NULL when it was not recorded, or erased",
            "erased_at": "when it was erased; NULL when it was not",
        },
    ),
    "records": View(
        "a record",
        {
            "action": "`allow`, `mask`, `require_approval` or `deny`",
            "commitment": "SHA-256 of the salted body",
            "prev": "the hash of the writer's record before",
            "hash": "the record's own hash",
        },
        "`stored.records` has these columns as the journal has them, with '' and -1 for what is not known.",
    ),
    "writers": View(
        "a process that wrote records, by the signed log",
        {
            "host": "the machine that it ran on, by a digest of its id",
            "pid": "its process number there",
            "born_at": "when it was registered, before its first record; NULL before births were signed",
            "signed_seq": "the number of the last record that a signed head names",
            "signed_at": "when the last line about it was signed",
        },
    ),
    "heads": View(
        "a signed head: how far a writer's chain went",
        {
            "signed_at": "when it was signed",
            "segment": "the segment that it stands in",
            "seq": "the number of the writer's last record then",
            "hash": "the hash of that record",
        },
    ),
    "seals": View(
        "a sealed file",
        {
            "file": "its name, which is that of its first segment",
            "path": "where it is in the audit folder",
            "visible_at": "from when on readers read it, and not its segments",
            "segments": "the segments in it",
            "records": "how many records it was sealed with",
            "first_at": "its first record",
            "last_at": "its last record",
            "parquet_sha256": "its SHA-256 when it was sealed; erasure writes it anew",
        },
    ),
    "removals": View(
        "an order to erase, a sealed file written anew without some bodies or dropped whole, or a legal hold",
        {
            "removed_at": "when; of an order, up to when records lose their bodies",
            "what": "`ordered`, `erased` or `dropped`; `held` and `released` of a legal hold",
            "order_id": "the order or the hold; who gave it, and why, is in `access`",
            "key_id": "the key that gave the order; NULL at the command line without one",
            "session_id": "the session that an order or a hold names",
            "agent": "the agent that it names",
            "records": "how many records an order or a hold names one by one",
            "path": "the sealed file",
            "bodies": "of how many records bodies went",
            "names": "of how many records names went",
        },
    ),
}
# Those over the signed logs, and not over the records.
LOG_VIEWS = ("writers", "heads", "seals", "removals")
