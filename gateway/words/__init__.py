"""The words of one exchange: who asks, what a prompt and a completion are made of, what was found in them."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.words.callers import Agent, Delegate, KeyScope, Method, Proof, Source, counted_name
    from gateway.words.facts import (
        USAGE_SCOPES,
        WINDOWS,
        ApprovalFacts,
        Consent,
        Met,
        Phase,
        Requirement,
        ResponseFacts,
        SessionFacts,
        UsageFacts,
        UsageScope,
        Used,
        Window,
    )
    from gateway.words.findings import (
        Attributes,
        Category,
        Finding,
        FindingRow,
        InspectedPart,
        Match,
        Treatment,
        merged,
        rank,
    )
    from gateway.words.parts import (
        MOST_TOKENS,
        Attachment,
        CallOrigin,
        Completion,
        JudgedCall,
        Kind,
        Parameters,
        Part,
        PartOrigin,
        PartPlace,
        Prompt,
        Tool,
        ToolCall,
        Usage,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "MOST_TOKENS",
    "USAGE_SCOPES",
    "WINDOWS",
    "Agent",
    "ApprovalFacts",
    "Attachment",
    "Attributes",
    "CallOrigin",
    "Category",
    "Completion",
    "Consent",
    "Delegate",
    "Finding",
    "FindingRow",
    "InspectedPart",
    "JudgedCall",
    "KeyScope",
    "Kind",
    "Match",
    "Met",
    "Method",
    "Parameters",
    "Part",
    "PartOrigin",
    "PartPlace",
    "Phase",
    "Prompt",
    "Proof",
    "Requirement",
    "ResponseFacts",
    "SessionFacts",
    "Source",
    "Tool",
    "ToolCall",
    "Treatment",
    "Usage",
    "UsageFacts",
    "UsageScope",
    "Used",
    "Window",
    "counted_name",
    "merged",
    "rank",
]
