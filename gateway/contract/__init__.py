"""The policy contract: the input document, the decision, and the guards around it."""

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
from gateway.contract.guards import (
    CREDENTIAL_ENTITY,
    MASKABLE,
    Syntax,
    guard,
    why_unmaskable,
)
from gateway.contract.input import (
    InputFacts,
    build_input,
    finding_rows,
)

__all__ = [
    "ACTIONS",
    "CREDENTIAL_ENTITY",
    "MASKABLE",
    "Action",
    "ApprovalTerms",
    "Decision",
    "InputFacts",
    "Mask",
    "MaskPlace",
    "Syntax",
    "build_input",
    "finding_rows",
    "guard",
    "mask_place",
    "parse_decision",
    "to_document",
    "why_unmaskable",
]
