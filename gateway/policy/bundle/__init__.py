"""Policy bundles: built, signed, checked, and kept by revision."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.policy.bundle.bundle import (
        Bundle,
        build_bundle,
        check_signature,
        describe_bundle,
        read_archive,
        read_bundle,
    )
    from gateway.policy.bundle.signing_keys import (
        Algorithm,
        SigningKey,
        VerifyKey,
        create_signing_key,
        load_signing_key,
        load_verify_key,
    )
    from gateway.policy.bundle.table_bundle import build_table_bundle, read_table_bundle
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Algorithm",
    "Bundle",
    "SigningKey",
    "VerifyKey",
    "build_bundle",
    "build_table_bundle",
    "check_signature",
    "create_signing_key",
    "describe_bundle",
    "load_signing_key",
    "load_verify_key",
    "read_archive",
    "read_bundle",
    "read_table_bundle",
]
