"""The configuration: `regate.yaml`, its variables, and YAML as OPA reads it."""

from gateway.config.config import (
    BUNDLE,
    RESERVED_PROVIDERS,
    Audit,
    Checksum,
    Config,
    CustomEntity,
    Detect,
    Hold,
    Limits,
    Ner,
    Opa,
    Policy,
    Price,
    Provider,
    Telemetry,
    config_path,
    load_config,
    resolve_reference,
)
from gateway.config.server_key import ServerKey, load_server_key
from gateway.config.yaml12 import (
    compose,
    strict_yaml,
)

__all__ = [
    "BUNDLE",
    "RESERVED_PROVIDERS",
    "Audit",
    "Checksum",
    "Config",
    "CustomEntity",
    "Detect",
    "Hold",
    "Limits",
    "Ner",
    "Opa",
    "Policy",
    "Price",
    "Provider",
    "ServerKey",
    "Telemetry",
    "compose",
    "config_path",
    "load_config",
    "load_server_key",
    "resolve_reference",
    "strict_yaml",
]
