"""`regate.yaml` as one frozen value, and the paths that follow from it."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.config.callers import ListenTls, Oidc, Workload
from gateway.config.providers import Provider
from gateway.config.settings import (
    BUNDLE,
    Audit,
    Detect,
    Hold,
    Limits,
    PolicySettings,
    TelemetrySettings,
    UsageSettings,
)
from gateway.config.vault import VaultSettings

RESERVED_PROVIDERS = frozenset({"admin", "bundles", "console", "healthz", "readyz", "metrics"})
Origin = Annotated[str, msgspec.Meta(pattern=r"^(\*|https?://[^/\s*]+)$")]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. Relative paths are taken from `root`, the folder of the file."""

    providers: dict[str, Provider]
    listen: Annotated[str, msgspec.Meta(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$")] = "127.0.0.1:8700"
    workers: Annotated[int, msgspec.Meta(gt=0, le=64)] = 1
    policy: PolicySettings = PolicySettings()
    audit: Audit = Audit()
    state: Annotated[str, msgspec.Meta(pattern="^sqlite:///.+")] = "sqlite:///state/regate.db"
    hold: Hold = Hold()
    limits: Limits = Limits()
    detect: Detect = Detect()
    telemetry: TelemetrySettings = TelemetrySettings()
    usage: UsageSettings = UsageSettings()
    vault: VaultSettings | None = None
    oidc: Oidc = Oidc()
    workloads: tuple[Workload, ...] = ()  # known by a client certificate; the first that fits counts
    revoked: str = ""  # a file of revocation lists (PEM): client certificates that count no longer
    listen_tls: ListenTls | None = None
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-… count
    certificate_proxies: tuple[str, ...] = ()  # of them: those that check client certificates, and name them
    cors_origins: tuple[Origin, ...] = ()  # whose pages may call providers from a browser; "*": anyone's
    root: Path = Path()

    def __post_init__(self) -> None:
        if not self.providers:
            raise ValueError("providers: expected at least one")
        for name in self.providers:
            if not _NAME.fullmatch(name) or name in RESERVED_PROVIDERS:
                raise ValueError(
                    f"providers: {name!r} cannot name a provider; expected a-z, 0-9, - and _, "
                    f"and none of {', '.join(sorted(RESERVED_PROVIDERS))}"
                )
        trusted = self.trusted_networks
        for one in self.certificate_networks:
            if not any(one.version == each.version and one.subnet_of(each) for each in trusted):  # type: ignore[arg-type]
                raise ValueError(f"certificate_proxies: found {one}; expected a part of trusted_proxies")
        if self.workloads and not (
            self.certificate_proxies or (self.listen_tls and self.listen_tls.client_ca)
        ):
            raise ValueError(
                "workloads: expected listen_tls.client_ca or certificate_proxies to vouch for them"
            )
        place = Path(self.audit.anchor.removeprefix("file:"))
        if self.audit.anchor.startswith("file:") and place.is_relative_to(self.audit_path.absolute()):
            raise ValueError("audit.anchor: expected a place outside the audit folder, which it vouches for")

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of the proxies in front of the gateway."""
        return _networks("trusted_proxies", self.trusted_proxies)

    @property
    def certificate_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of the proxies whose X-Forwarded-Client-Cert counts."""
        return _networks("certificate_proxies", self.certificate_proxies)

    @property
    def caller_groups(self) -> frozenset[str]:
        """The groups that callers without a key can be in, as far as they are named here."""
        workloads = (group for each in self.workloads for group in each.groups)
        return frozenset(workloads).union(*(each.named_groups for each in self.oidc.issuers))

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def policy_path(self) -> Path:
        return self.root / self.policy.path

    @property
    def tables_path(self) -> Path:
        """The folder of tables, which need not be there, or the bundle of them."""
        return self.root / self.policy.tables

    @property
    def tables_key_path(self) -> Path | None:
        """The public key of the people who sign bundles of tables."""
        bundle = self.policy.tables_bundle
        return self.root / bundle.verify_key if bundle else None

    @property
    def tables_max_age_seconds(self) -> float:
        """How old tables may be; 0 sets no limit."""
        return self.policy.tables_bundle.max_age_seconds if self.policy.tables_bundle else 0

    @property
    def shadow_config(self) -> Config | None:
        """This configuration with the candidate in the policy's place, decided here; None without one."""
        policy = self.policy
        if not policy.shadow:
            return None
        key = policy.verify_key if policy.shadow.endswith(BUNDLE) else ""
        tables = policy.tables_bundle  # fetched for both by the policy in force
        tables = msgspec.structs.replace(tables, url="", token="", ca="") if tables else None
        candidate = msgspec.structs.replace(
            policy, path=policy.shadow, shadow="", verify_key=key, opa=None, tables_bundle=tables
        )
        return msgspec.structs.replace(self, policy=candidate)

    @property
    def verify_key_path(self) -> Path | None:
        """The public key of the people who sign bundles."""
        return self.root / self.policy.verify_key if self.policy.verify_key else None

    @property
    def opa_ca_path(self) -> Path | None:
        """The certificates that vouch for the OPA run elsewhere; without them the system's do."""
        return self.root / self.policy.opa.ca if self.policy.opa and self.policy.opa.ca else None

    @property
    def signing_key_path(self) -> Path:
        """The private key that signs bundles, beside the state and never under the policy folder."""
        return self.state_path.with_name("policy.key")

    @property
    def policy_reports_path(self) -> Path:
        """Where each running worker says what it decides by."""
        return self.state_path.with_name("policy-status")

    @property
    def bundles_path(self) -> Path:
        return self.root / "bundles"

    @property
    def audit_path(self) -> Path:
        return self.root / self.audit.path

    @property
    def state_path(self) -> Path:
        """The SQLite file."""
        return self.root / self.state.removeprefix("sqlite:///")

    @property
    def key_path(self) -> Path:
        """The server key, beside the state and never under the audit folder."""
        return self.state_path.with_name("server.key")

    @property
    def evidence_key_path(self) -> Path:
        """The key that signs the journal's heads, beside the state and never under the audit folder."""
        return self.state_path.with_name("evidence.key")


def _networks(setting: str, texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ValueError(
            f"{setting}: found {error}; expected addresses or networks, like 10.0.0.0/8"
        ) from error
