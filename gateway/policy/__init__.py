"""Policy engines: who decides about an exchange, by the Rego files that people edit."""

from gateway.policy.engine import PolicyEngine
from gateway.policy.opa import PINNED, find_opa, opa_version
from gateway.policy.policies import Policies, PolicyStatus, new_engine
from gateway.policy.source import PolicySource, load_source

__all__ = [
    "PINNED",
    "Policies",
    "PolicyEngine",
    "PolicySource",
    "PolicyStatus",
    "find_opa",
    "load_source",
    "new_engine",
    "opa_version",
]
