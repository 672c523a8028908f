"""Policy engines: who decides about an exchange, by the Rego files that people edit."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.policy.active import ActiveBundle
    from gateway.policy.bundle.shelf import Shelf
    from gateway.policy.engine.engine import PolicyEngine
    from gateway.policy.engine.opa import GET_OPA, PINNED, find_opa, opa_version
    from gateway.policy.gauges import PolicyGauges
    from gateway.policy.loading.origin import (
        configured_policy,
        is_bundle,
        load_policy,
        tables_at,
        with_tables,
    )
    from gateway.policy.policies import Policies, PolicyStatus, new_engine
    from gateway.policy.reports import StatusFile, read_reports
    from gateway.policy.source.source import PolicySource, load_source
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "GET_OPA",
    "PINNED",
    "ActiveBundle",
    "Policies",
    "PolicyEngine",
    "PolicyGauges",
    "PolicySource",
    "PolicyStatus",
    "Shelf",
    "StatusFile",
    "configured_policy",
    "find_opa",
    "is_bundle",
    "load_policy",
    "load_source",
    "new_engine",
    "opa_version",
    "read_reports",
    "tables_at",
    "with_tables",
]
