"""The configuration: `regate.yaml`, its variables, and YAML as OPA reads it."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.config.callers import SPIFFE, Algorithm, Issuer, ListenTls, Oidc, Workload, path_of
    from gateway.config.config import RESERVED_PROVIDERS, Config
    from gateway.config.loading import config_path, load_config, resolve_reference
    from gateway.config.providers import (
        BUILT_IN,
        GOOGLE,
        Aws,
        Deployment,
        Price,
        Provider,
        Timeouts,
        WeightedCredential,
    )
    from gateway.config.receivers import AuditReceiver
    from gateway.config.server_key import ServerKey, load_server_key
    from gateway.config.settings import (
        BUNDLE,
        Allow,
        Audit,
        Checksum,
        CustomEntity,
        Detect,
        Hold,
        Limits,
        Ner,
        Opa,
        PolicySettings,
        RetentionRule,
        TableBundle,
        TelemetrySettings,
        TimestampAuthority,
        Witness,
    )
    from gateway.config.vault import VaultSettings
    from gateway.config.yaml12 import compose, strict_yaml
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "BUILT_IN", "BUNDLE", "GOOGLE", "RESERVED_PROVIDERS", "SPIFFE", "Algorithm", "Allow", "Audit",
    "AuditReceiver", "Aws", "Checksum", "Config", "CustomEntity", "Deployment", "Detect", "Hold",
    "Issuer", "Limits", "ListenTls", "Ner", "Oidc", "Opa", "PolicySettings", "Price", "Provider",
    "RetentionRule", "ServerKey", "TableBundle", "TelemetrySettings", "Timeouts", "TimestampAuthority",
    "VaultSettings", "WeightedCredential", "Witness", "Workload", "compose", "config_path",
    "load_config", "load_server_key", "path_of", "resolve_reference", "strict_yaml",
]  # fmt: skip
