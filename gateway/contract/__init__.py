"""The policy contract: the input document, the decision, and the guards around it."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.contract.decision import (
        ACTIONS,
        Action,
        ApprovalTerms,
        Decision,
        Mask,
        MaskPlace,
        mask_place,
        parse_decision,
        to_document,
    )
    from gateway.contract.entities import CHANGED_TOOL, CREDENTIAL_ENTITY, DETECTED, ENTITIES
    from gateway.contract.guards import (
        MASKABLE,
        Syntax,
        guard,
        why_unmaskable,
    )
    from gateway.contract.input import (
        Describe,
        InputFacts,
        build_input,
        estimate_tokens,
        finding_rows,
    )
    from gateway.contract.requirements import (
        consent_documents,
        covers,
        is_met,
        may_meet,
        met_by,
        met_documents,
    )
    from gateway.contract.shapes import schema_of
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "ACTIONS",
    "CHANGED_TOOL",
    "CREDENTIAL_ENTITY",
    "DETECTED",
    "ENTITIES",
    "MASKABLE",
    "Action",
    "ApprovalTerms",
    "Decision",
    "Describe",
    "InputFacts",
    "Mask",
    "MaskPlace",
    "Syntax",
    "build_input",
    "consent_documents",
    "covers",
    "estimate_tokens",
    "finding_rows",
    "guard",
    "is_met",
    "mask_place",
    "may_meet",
    "met_by",
    "met_documents",
    "parse_decision",
    "schema_of",
    "to_document",
    "why_unmaskable",
]
