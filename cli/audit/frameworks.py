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

FRAMEWORKS: Mapping[str, Framework] = {
    "soc2": Framework(
        "SOC 2 (Trust Services Criteria, 2017)",
        "What the log of the gateway shows of an organization's controls over its use of language models.",
        (
            ("CC6.1", "Access to systems is given to known identities", "keys"),
            ("CC6.2, CC6.3", "Access is granted, changed and removed by decision", "access"),
            ("CC6.6, CC6.7", "Data that leaves the boundary is restricted", "egress"),
            ("CC7.2", "Anomalies are detected and recorded", "denials"),
            ("CC7.3, CC7.4", "Events are evaluated, and answered by people", "oversight"),
            ("CC8.1", "Changes of policy are authorized and recorded", "changes"),
            ("CC4.1", "Records of controls are complete and unaltered", "integrity"),
            ("C1.1, C1.2", "Confidential information is kept, and disposed of, as promised", "removals"),
            ("P4.2", "Personal information is kept as long as it is needed", "retention"),
        ),
    ),
    "iso42001": Framework(
        "ISO/IEC 42001:2023, Annex A",
        "What the log shows of the controls of an AI management system.",
        (
            ("A.6.2.6", "The operation of AI systems is monitored", "outcomes"),
            ("A.6.2.8", "Event logs are recorded", "logging"),
            ("A.7.4", "The quality and protection of data are upheld", "egress"),
            ("A.8.4", "Incidents can be found and communicated", "passed"),
            ("A.9.2", "AI is used by responsible processes", "denials"),
            ("A.9.3", "Human oversight is part of use", "oversight"),
            ("A.10.3", "Suppliers of AI are known", "processing"),
            ("A.2.4", "The AI policy is reviewed and its changes recorded", "changes"),
        ),
    ),
    "eu-ai-act": Framework(
        "EU AI Act, Regulation (EU) 2024/1689",
        "What the log shows of the duties of those who deploy high-risk systems. It classifies no system.",
        (
            ("Art. 12(1)", "Events are recorded automatically over the lifetime", "logging"),
            ("Art. 12(2), 26(5)", "Situations that may be risks are identified and monitored", "denials"),
            ("Art. 14, 26(2)", "People oversee, with competence and authority", "oversight"),
            ("Art. 19, 26(6)", "Logs are kept at least six months", "retention"),
            ("Art. 26(6)", "Nothing was removed before its time", "removals"),
            ("Art. 26(1)", "Systems are used as instructed", "outcomes"),
            ("Art. 26(4)", "Input data is relevant and controlled", "egress"),
            ("Art. 12", "The log is complete and unaltered", "integrity"),
        ),
    ),
    "gdpr": Framework(
        "GDPR, Regulation (EU) 2016/679",
        "What the log shows of the processing of personal data in prompts and completions.",
        (
            ("Art. 30(1)", "Who processes what, and to whom it goes", "processing"),
            ("Art. 30(1)(c)", "Categories of personal data", "egress"),
            ("Art. 44", "Personal data that went to a provider as it is", "passed"),
            ("Art. 5(1)(e)", "Data is kept no longer than necessary", "retention"),
            ("Art. 15, 17", "Data subjects were informed, and their data erased", "subjects"),
            ("Art. 17, 19", "What was erased, and when", "removals"),
            ("Art. 32(1)", "Integrity and confidentiality are upheld", "integrity"),
            ("Art. 32(4)", "Who read what was said", "access"),
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
            "It is evidence for an assessment, and not the assessment.",
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
