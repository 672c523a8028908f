"""`regate.yaml` as typed, frozen data: read once, checked whole, before anything starts."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from gateway.errors import ConfigError
from gateway.exchange import Category, Family

RESERVED_PROVIDERS = frozenset({"admin", "bundles", "console", "healthz", "readyz", "metrics"})
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")

Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file: unknown keys are refused."""


class Provider(_Section):
    """A configured LLM endpoint. `credential` is a reference (`env:NAME`, `file:/path`), never a value."""

    family: Family
    base_url: str
    credential: str = ""

    def __post_init__(self) -> None:
        if self.base_url != "builtin:demo" and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", self.base_url):
            raise ValueError("base_url: expected http(s)://host[/path] without a query, or builtin:demo")
        if self.credential and not _REFERENCE.fullmatch(self.credential):
            # the text may be the secret itself, so it is not repeated
            raise ValueError("credential: expected a reference, env:NAME or file:/path")


class Policy(_Section):
    """Where policy lives and how it is evaluated. `enforce: false` records actions without carrying them out."""

    engine: Literal["auto", "sidecar", "embedded"] = "auto"
    path: str = "policies/rego"
    enforce: bool = True
    timeout_seconds: Seconds = 2.0
    reload_seconds: Seconds = 1.0


class Audit(_Section):
    path: str = "audit"
    segment_bytes: Positive = 64 * 1024 * 1024
    segment_seconds: Seconds = 3600


class Hold(_Section):
    """What happens while a request waits for people; 0 keepalive seconds sends nothing before the outcome."""

    keepalive_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0
    max_waiting: Positive = 1000


class Limits(_Section):
    """Bounds, in bytes and seconds."""

    body_bytes: Positive = 10 * 1024 * 1024
    response_bytes: Positive = 32 * 1024 * 1024
    depth: Annotated[int, msgspec.Meta(gt=0, le=200)] = 100
    inspect_seconds: Seconds = 10
    connect_seconds: Seconds = 10
    read_seconds: Seconds = 600
    drain_seconds: Seconds = 30


class CustomEntity(_Section):
    """An entity of one's own: words found as they stand (any case), or RE2-style patterns."""

    entity: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{1,40}$")]
    category: Category = "custom"
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.words or self.patterns):
            raise ValueError(f"{self.entity}: expected words or patterns, found neither")


class Detect(_Section):
    """What is looked for. `off` silences entities; `phone_regions` are ISO 3166 codes."""

    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.4
    off: tuple[str, ...] = ("URL", "DATE_TIME", "UK_NHS", "MEDICAL_LICENSE", "US_DRIVER_LICENSE", "US_BANK_NUMBER")
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")
    custom: tuple[CustomEntity, ...] = ()


class Config(_Section):
    """The whole file. Relative paths are taken from `root`, the folder of the file."""

    providers: dict[str, Provider]
    listen: Annotated[str, msgspec.Meta(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$")] = "127.0.0.1:8700"
    workers: Annotated[int, msgspec.Meta(gt=0, le=64)] = 1
    policy: Policy = Policy()
    audit: Audit = Audit()
    state: Annotated[str, msgspec.Meta(pattern="^sqlite:///.+")] = "sqlite:///state/regate.db"
    hold: Hold = Hold()
    limits: Limits = Limits()
    detect: Detect = Detect()
    root: Path = Path()

    def __post_init__(self) -> None:
        if not self.providers:
            raise ValueError("providers: expected at least one")
        for name in self.providers:
            if not _NAME.fullmatch(name) or name in RESERVED_PROVIDERS:
                raise ValueError(
                    f"providers: {name!r} cannot name a provider; expected lower-case letters, digits, - and _, "
                    f"and none of {', '.join(sorted(RESERVED_PROVIDERS))}"
                )

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


def load_config(path: Path) -> Config:
    """Read and check the file.

    Raises ConfigError with the file, the path in it, what was found and what was expected.
    """
    try:
        document = yaml.load(path.read_text("utf-8"), _StrictLoader)  # noqa: S506 - a SafeLoader, see below
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if isinstance(document, dict) and "root" in document:
        raise ConfigError(f"{path}: $.root: found an unknown key; it is not a setting")
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error), document)}") from error
    return msgspec.structs.replace(config, root=path.resolve().parent)


def config_path() -> Path:
    """The file that REGATE_CONFIG names, else `regate.yaml` in the working directory."""
    return Path(os.environ.get("REGATE_CONFIG", "regate.yaml"))


def resolve_reference(reference: str) -> str | None:
    """The secret behind `env:NAME` or `file:/path`; None when it is not set. Never logged, never stored."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return os.environ.get(name) or None
    try:
        return Path(name).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys; a setting given twice is a mistake to report."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _explain(message: str, document: object) -> str:
    """Turn msgspec's `<expectation> - at `$.a.b`` into path, found, expected."""
    expectation, _, at = message.partition(" - at ")
    path = at.strip("`") or "$"
    if "unknown field" in expectation or path.endswith("credential"):
        return f"{path}: {expectation}"
    found = _at(document, path)
    shown = "" if isinstance(found, (dict, list)) else f" (found {found!r})"
    return f"{path}: {expectation}{shown}"


def _at(document: object, path: str) -> object:
    """The value at a msgspec error path, or the nearest thing above it."""
    for token in re.findall(r"[^.\[\]$]+", path):
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdigit() and int(token) < len(document):
            document = document[int(token)]
        else:
            break
    return document
