"""The sections of `regate.yaml` as typed, frozen data."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.config.providers import REFERENCE
from gateway.config.receivers import LOOPBACK, AuditReceiver
from gateway.words import Category

BUNDLE = ".tar.gz"
_ANCHOR = r"^(|file:/.+|https://.+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?/.*)$"
_OPA_URL = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[^/?#@:\s\[\]]+)(:[1-9]\d{0,4})?/?")
_TABLES_URL = re.compile(_OPA_URL.pattern.removesuffix("/?") + r"/[^\s#]*")

Checksum = Literal["", "luhn", "mod97", "mod11", "mod11_10", "verhoeff"]
Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Opa(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OPA run elsewhere, which pulls its policy from this gateway. `token` is a reference, never a value.

    Until it has pulled a new revision, the former one goes on deciding, `grace_seconds` long.
    """

    url: str
    token: str
    ca: str = ""
    grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10

    def __post_init__(self) -> None:
        found = _OPA_URL.fullmatch(self.url)
        if not found or (found["scheme"] == "http" and found["host"] not in LOOPBACK):
            raise ValueError("url: expected https://host[:port], or http:// on this machine's loopback")
        if not REFERENCE.fullmatch(self.token):
            raise ValueError("token: expected a reference, env:NAME or file:/path")


class TableBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tables as one file that the key in the file `verify_key` has signed.

    With a `url` the gateway fetches it, every `poll_seconds`; without one it is put there. Once it was
    issued more than `max_age_seconds` ago, no decision is made by it; 0 sets no limit.
    """

    verify_key: str
    url: str = ""
    token: str = ""
    ca: str = ""
    poll_seconds: Seconds = 60.0
    max_age_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        found = _TABLES_URL.fullmatch(self.url)
        if self.url and (not found or (found["scheme"] == "http" and found["host"] not in LOOPBACK)):
            raise ValueError("url: expected https://host[:port]/path, or http:// on this machine's loopback")
        if self.token and not REFERENCE.fullmatch(self.token):
            raise ValueError("token: expected a reference, env:NAME or file:/path")
        if (self.token or self.ca) and not self.url:
            raise ValueError("url: found a token or a ca for it, and no url")


class PolicySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where policy lives and how it is evaluated. `enforce: false` records actions, carries out none.

    `path` is a folder of Rego, or a bundle (`*.tar.gz`) that the key in the file `verify_key` has signed.
    `shadow` is a candidate that is asked about live traffic as well, and never decides. `tables` is a folder
    of data that its rules look things up in, or a bundle of them (`*.tar.gz`), of which `tables_bundle` says
    who has signed it.
    """

    engine: Literal["auto", "sidecar", "embedded"] = "auto"
    path: str = "policies/rego"
    shadow: str = ""
    tables: str = "policies/data"
    tables_bundle: TableBundle | None = None
    verify_key: str = ""
    opa: Opa | None = None
    enforce: bool = True
    timeout_seconds: Seconds = 2.0
    reload_seconds: Seconds = 0.5

    def __post_init__(self) -> None:
        if self.opa and self.engine == "embedded":
            raise ValueError("opa: found an OPA to ask, and engine: embedded, which asks none")
        bundles = [path for path in (self.path, self.shadow) if path.endswith(BUNDLE)]
        if bool(bundles) != bool(self.verify_key):
            found = f"{bundles[0]} and no key" if bundles else "a key and no bundle"
            raise ValueError(f"verify_key: expected it with a bundle and not without one; found {found}")
        if self.tables.endswith(BUNDLE) != bool(self.tables_bundle):
            raise ValueError(
                f"tables_bundle: expected it with tables in a bundle (*{BUNDLE}) and not without one"
            )


class RetentionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long what was said is kept in exchanges that fit all that is named: `agent` is a name or a glob."""

    keep: Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d{0,4}d$")]
    agent: str = ""
    group: str = ""
    entity: str = ""
    record: Literal["", "masked", "metadata", "full"] = ""

    @property
    def kept(self) -> timedelta:
        """How long that is."""
        return timedelta(days=int(self.keep[:-1]))

    def __post_init__(self) -> None:
        if not (self.agent or self.group or self.entity or self.record):
            raise ValueError("expected an agent, a group, an entity or a record level; found none")


class Witness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that cosigns the log: its address, and its public key as it hands it out: `name+hash+key`."""

    url: Annotated[
        str, msgspec.Meta(pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/.*)?)$")
    ]
    key: Annotated[str, msgspec.Meta(pattern=r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$")]


class TimestampAuthority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An authority by RFC 3161. `ca` is a file of the certificates it is trusted by, `token` a reference."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://.+$")]  # what comes back is signed
    ca: Annotated[str, msgspec.Meta(min_length=1)]
    token: str = ""

    def __post_init__(self) -> None:
        _check_reference("token", self.token)
        if self.token and not self.url.startswith("https:"):
            raise ValueError("url: expected https where a token goes along")


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where evidence is kept, and how long (`365d`; empty is for ever). Key and token are references.

    `origin` is the name by which witnesses know the log: a host and a path that are yours.
    """

    path: str = "audit"
    segment_bytes: Positive = 64 * 1024 * 1024
    segment_seconds: Seconds = 3600
    anchor: Annotated[str, msgspec.Meta(pattern=_ANCHOR)] = ""
    anchor_token: str = ""
    timestamps: TimestampAuthority | None = None
    content_key: str = ""
    retention: Annotated[str, msgspec.Meta(pattern=r"^([1-9]\d{0,4}d)?$")] = ""
    retention_rules: tuple[RetentionRule, ...] = ()
    origin: Annotated[str, msgspec.Meta(pattern=r"^[^\s+]*$")] = ""
    witnesses: tuple[Witness, ...] = ()
    receivers: tuple[AuditReceiver, ...] = ()

    @property
    def kept(self) -> timedelta | None:
        """How long sealed records are kept; None is for ever."""
        return timedelta(days=int(self.retention[:-1])) if self.retention else None

    def __post_init__(self) -> None:
        if self.witnesses and not self.origin:
            raise ValueError("origin: expected a name for the log, like acme.example/regate, with witnesses")
        if len({receiver.name for receiver in self.receivers}) < len(self.receivers):
            raise ValueError("receivers: expected a name of its own for each")
        _check_reference("content_key", self.content_key)
        _check_reference("anchor_token", self.anchor_token)


def _check_reference(name: str, given: str) -> None:
    """Raise ValueError unless it refers to a secret. It may be the secret itself, so it is not repeated."""
    if given and not REFERENCE.fullmatch(given):
        raise ValueError(f"{name}: expected a reference, env:NAME or file:/path")


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request gets while it waits for approval: with 0 keepalive seconds nothing."""

    keepalive_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds, in bytes and seconds. Those of requests under way are of one worker."""

    connections: Positive = 1000
    exchanges: Positive = 800  # under way at once; those that wait for people do not count
    agent_exchanges: Positive = 400  # of one agent
    queue_seconds: Seconds = 5  # for which one more waits for its turn
    held_bytes: Positive = 256 * 1024 * 1024  # of the bodies of all requests and answers under way
    body_bytes: Positive = 10 * 1024 * 1024
    response_bytes: Positive = 32 * 1024 * 1024
    depth: Annotated[int, msgspec.Meta(gt=0, le=200)] = 100
    parts: Positive = 20_000  # strings, keys and long numbers of one body
    inspect_seconds: Seconds = 10
    connect_seconds: Seconds = 10
    read_seconds: Seconds = 600
    drain_seconds: Seconds = 30
    idle_seconds: Seconds = 75  # between two requests of a connection


class CustomEntity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custom entity: words found as they stand (any case), or patterns that run in linear time.

    `checksum` is the scheme of the check digits that a match of a pattern must have. With `context`, a match
    counts only behind one of those words.
    """

    entity: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{1,40}$")]
    category: Category = "custom"
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    checksum: Checksum = ""
    context: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.words or self.patterns):
            raise ValueError(f"{self.entity}: expected words or patterns, found neither")


class Ner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of people and places in prompts, by a language model; it needs the extra `ner`."""

    enabled: bool = False


# in the spelling of the DNS, so that none looks like another
Domain = Annotated[
    str, msgspec.Meta(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$")
]
Score = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is never a finding: whole values in any case, patterns of them, domains of e-mail addresses."""

    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


class Detect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for. `off` silences entities; a finding below its threshold is none.

    `internal_domains` are the company's own; `shown_domains` (globs) are those of addresses that policy gets
    to see by name. `licenses` (globs over SPDX ids) are those whose headers mark code.

    `thresholds` are those of single entities. `regions` are those of phone numbers: ISO 3166 codes, groups.
    """

    threshold: Score = 0.4
    thresholds: dict[str, Score] = {}
    allow: Allow = Allow()
    off: tuple[str, ...] = (
        "URL",
        "DATE_TIME",
        "MEDICAL_LICENSE",
        "US_DRIVER_LICENSE",
        "US_BANK_NUMBER",
    )
    regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")
    custom: tuple[CustomEntity, ...] = ()
    ner: Ner = Ner()
    licenses: tuple[str, ...] = ("LicenseRef-*", "Proprietary", "UNLICENSED")
    internal_domains: tuple[Domain, ...] = ()
    shown_domains: tuple[str, ...] = ("*",)

    def threshold_of(self, entity: str) -> float:
        """Return the least score of a finding of this entity."""
        return self.thresholds.get(entity, self.threshold)


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where OpenTelemetry goes: the base URL of an OTLP/HTTP collector; it needs the extra `otel`."""

    otlp: Annotated[str, msgspec.Meta(pattern=r"^(|https?://[^/?#@\s]+(/[^?#\s]*)?)$")] = ""


class UsageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How usage is counted: the time zone in which its days and months begin, like Europe/Berlin."""

    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.timezone == "UTC":
            return
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, ZoneInfoNotFoundError):  # a name that is a path, or no name of a zone
            raise ValueError(
                f"timezone: found {self.timezone!r}; expected a name of the IANA time zone database (tzdata) "
                "that this system has, like Europe/Berlin"
            ) from None
