"""What frameworks demand of a log of AI use, and which question to the evidence answers each demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_WITHIN = "BETWEEN $1::TIMESTAMPTZ AND $2::TIMESTAMPTZ"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A SELECT over one view, and the command that shows more of it. WITHIN stands for the time."""

    view: str
    command: str
    select: str

    @property
    def sql(self) -> str:
        """The SELECT about the time from $1 to $2."""
        return self.select.replace("WITHIN", _WITHIN)


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, and its demands: where each stands, what it asks for, and the question that answers it."""

    title: str
    scope: str
    demands: tuple[tuple[str, str, str], ...]


QUESTIONS: Mapping[str, Inquiry] = {
    "logging": Inquiry(
        "records",
        "regate audit verify",
        """SELECT recorded_at::DATE AS day, kind, count(*) AS records, min(recorded_at) AS first_at,
            max(recorded_at) AS last_at FROM records WHERE recorded_at WITHIN
            GROUP BY 1, 2 ORDER BY 1, 2""",
    ),
    "processing": Inquiry(
        "exchanges",
        "regate sessions list",
        """SELECT agent, owner, provider, model, count(*) AS exchanges,
            count(DISTINCT on_behalf_of) AS end_users, sum(cost) AS cost FROM exchanges
            WHERE started_at WITHIN GROUP BY ALL ORDER BY ALL""",
    ),
    "outcomes": Inquiry(
        "exchanges",
        "regate audit tail",
        """SELECT state, action, enforced, count(*) AS exchanges FROM exchanges
            WHERE started_at WITHIN GROUP BY ALL ORDER BY ALL""",
    ),
    "egress": Inquiry(
        "egress",
        'regate audit sql "SELECT * FROM egress"',
        """SELECT provider, category, entity, treatment, sent, count(*) AS exchanges,
            sum(count) AS times FROM egress WHERE started_at WITHIN AND entity IS NOT NULL
            GROUP BY ALL ORDER BY ALL""",
    ),
    "passed": Inquiry(
        "egress",
        "regate policy explain DECISION_ID",
        """SELECT started_at, exchange_id, agent, provider, entity, count, sent FROM egress
            WHERE started_at WITHIN AND treatment = 'passed' AND sent <> 'no' AND category <> 'custom'
            ORDER BY started_at LIMIT 1000""",
    ),
    "denials": Inquiry(
        "reasons",
        "regate policy explain DECISION_ID",
        """SELECT rule, title, severity, action, controls, count(*) AS times FROM reasons
            WHERE recorded_at WITHIN GROUP BY ALL ORDER BY times DESC""",
    ),
    "oversight": Inquiry(
        "approvals",
        "regate approvals list",
        """SELECT approval_id, agent, owner, state, approvers, denied_by, opened_at, decided_at, used_at
            FROM approvals WHERE opened_at WITHIN ORDER BY opened_at LIMIT 1000""",
    ),
    "changes": Inquiry(
        "policy_activations",
        "regate policy status",
        """SELECT recorded_at, revision, before, cause, path, person FROM policy_activations
            WHERE recorded_at WITHIN ORDER BY recorded_at LIMIT 1000""",
    ),
    "access": Inquiry(
        "access",
        "regate audit tail",
        """SELECT recorded_at, act, person, key_id, face, session_id FROM access
            WHERE recorded_at WITHIN ORDER BY recorded_at LIMIT 1000""",
    ),
    "keys": Inquiry(
        "access",
        "regate keys list",
        """SELECT recorded_at, act, person, key_id, face FROM access
            WHERE recorded_at WITHIN AND act IN ('key_created', 'key_revoked', 'key_rotated')
            ORDER BY recorded_at""",
    ),
    "subjects": Inquiry(
        "access",
        "regate audit subject PERSON --export FILE",
        """SELECT recorded_at, act, person, key_id FROM access
            WHERE recorded_at WITHIN AND act IN ('subject_sought', 'erasure_ordered')
            ORDER BY recorded_at""",
    ),
    "removals": Inquiry(
        "removals",
        "regate audit verify --since 90d",
        """SELECT removed_at, what, order_id, key_id, records, bodies, names, path FROM removals
            WHERE removed_at WITHIN ORDER BY removed_at""",
    ),
    "retention": Inquiry(
        "seals",
        "regate audit verify",
        """SELECT min(first_at) AS oldest_record, max(last_at) AS newest_sealed_record,
            sum(records)::BIGINT AS sealed_records, count(*) AS files,
            count(*) FILTER (first_at >= $1::TIMESTAMPTZ AND last_at <= $2::TIMESTAMPTZ) AS files_within
            FROM seals""",
    ),
    "integrity": Inquiry(
        "heads",
        "regate audit verify --statement FILE --since 90d",
        """SELECT writer, count(*) AS signed_heads, max(seq) AS records, max(signed_at) AS last_signed
            FROM heads WHERE signed_at WITHIN GROUP BY writer ORDER BY writer""",
    ),
}

# The demands are in our words, after each clause's text; what it does not say stands behind a colon.
FRAMEWORKS: Mapping[str, Framework] = {
    "soc2": Framework(
        "SOC 2 (Trust Services Criteria, 2017, points of focus of 2022)",
        "What the log of the gateway shows of an organization's controls over its use of language models.",
        (
            ("CC6.1", "Logical access to protected information is restricted: who read what", "access"),
            ("CC6.2, CC6.3", "Credentials are issued, changed and removed by authorization", "keys"),
            (
                "CC6.7",
                "Transmission of information is restricted to who and what may have it",
                "egress",
            ),
            ("CC7.2", "Anomalies are monitored and analyzed", "denials"),
            ("CC7.3", "Security events are evaluated, and acted on: approvals by people", "oversight"),
            ("CC8.1", "Changes are authorized, approved and implemented: of policy", "changes"),
            ("CC2.1", "Information that controls rely on is complete, protected and verifiable", "integrity"),
            ("C1.2, P4.3", "Confidential and personal information is disposed of", "removals"),
            ("P4.2", "Personal information is retained as the objectives of privacy say", "retention"),
        ),
    ),
    "iso42001": Framework(
        "ISO/IEC 42001:2023, Annex A",
        "What the log shows of the controls of an AI management system.",
        (
            ("A.2.4", "The AI policy is reviewed: which rules were in force when", "changes"),
            ("A.6.2.6", "The operation of AI systems is monitored", "outcomes"),
            ("A.6.2.8", "Event logs are kept, at least while systems are in use", "logging"),
            ("A.7.4", "Data that systems operate on meets requirements: what was found in it", "egress"),
            ("A.8.4", "Incidents are communicated by a plan: values that went out as they are", "passed"),
            ("A.9.2", "Processes for responsible use are defined: what rules refused or held", "denials"),
            ("A.9.3", "Objectives guide responsible use: that people oversee it", "oversight"),
            ("A.10.3", "The use of suppliers fits that approach: which models, for whom", "processing"),
        ),
    ),
    "eu-ai-act": Framework(
        "EU AI Act, Regulation (EU) 2024/1689",
        "What the log shows of duties about high-risk systems, of their providers (Art. 12, 14, 19) and "
        "their deployers (Art. 26). It classifies no system.",
        (
            ("Art. 12(1)", "Events are recorded automatically over the lifetime", "logging"),
            (
                "Art. 12(2), 26(5)",
                "Risks are identified, and operation is monitored",
                "denials",
            ),
            ("Art. 14, 26(2)", "People oversee, with competence and authority", "oversight"),
            ("Art. 19(1), 26(6)", "Logs are kept at least six months", "retention"),
            ("Art. 19(1), 26(6)", "And so: nothing was removed before its time", "removals"),
            ("Art. 26(1)", "Systems are used as instructed: how exchanges ended", "outcomes"),
            (
                "Art. 26(4)",
                "Input data that a deployer controls is relevant: what was found in it",
                "egress",
            ),
            ("Art. 12, 19", "Not in the Act: that the log is complete and unaltered", "integrity"),
        ),
    ),
    "gdpr": Framework(
        "GDPR, Regulation (EU) 2016/679",
        "What the log shows of the processing of personal data in prompts and completions.",
        (
            ("Art. 30(1)(a), (d)", "Who processes, and to which recipients it goes", "processing"),
            ("Art. 30(1)(c)", "Categories of personal data", "egress"),
            (
                "Art. 44",
                "Transfers to third countries: values that went to a provider, anywhere",
                "passed",
            ),
            ("Art. 5(1)(e)", "Data is kept no longer than necessary", "retention"),
            (
                "Art. 15, 17",
                "Data subjects have access, and data erased: what was asked for",
                "subjects",
            ),
            ("Art. 17, 5(2)", "What was erased can be demonstrated", "removals"),
            ("Art. 5(1)(f), 32(1)(b)", "Integrity and confidentiality are ensured: of this log", "integrity"),
            ("Art. 32(4)", "Persons with access act on instructions: who read what was said", "access"),
        ),
    ),
}


def page(name: str) -> str:
    """Return the framework's page of the documentation."""
    framework = FRAMEWORKS[name]
    rows = [
        f"| {where} | {demand} | `{QUESTIONS[asked].view}` | `{QUESTIONS[asked].command}` |"
        for where, demand, asked in framework.demands
    ]
    return "\n".join(
        [
            f"# {framework.title}",
            "",
            f"Written by `regate audit report --framework {name} --markdown`. {framework.scope}",
            "It is evidence for an assessment, and not the assessment. The demands are in our words; behind",
            "a colon stands what the log shows of one.",
            "",
            "| demand | what it asks for | view | command |",
            "|---|---|---|---|",
            *rows,
            "",
            f"`regate audit report --framework {name} --since 90d --out FOLDER` proves the evidence and",
            "writes one page with an answer to each, and the rows behind each as Parquet.",
            "",
        ]
    )
