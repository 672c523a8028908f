"""`regate.yaml` as typed, frozen data: read once, checked whole, before anything starts."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from gateway.config.variables import NotExpanded, expand
from gateway.config.yaml12 import strict_yaml
from gateway.errors import ConfigError
from gateway.words import Category

RESERVED_PROVIDERS = frozenset({"admin", "bundles", "console", "healthz", "readyz", "metrics"})
BUNDLE = ".tar.gz"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_BASE_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
_ANCHOR = r"^(|file:/.+|https://.+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?/.*)$"
_OPA_URL = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[^/?#@:\s\[\]]+)(:[1-9]\d{0,4})?/?")
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")

Checksum = Literal["", "luhn", "mod97", "mod11", "mod11_10", "verhoeff"]
Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a million tokens cost, in whatever currency all prices are in."""

    input: Annotated[float, msgspec.Meta(ge=0)]
    output: Annotated[float, msgspec.Meta(ge=0)]


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configured LLM endpoint. `credential` is a reference (`env:NAME`, `file:/path`), never a value.

    `prices` by model, a name or a glob: the first that fits counts.
    """

    family: str
    base_url: str
    credential: str = ""
    prices: dict[str, Price] = {}

    def __post_init__(self) -> None:
        if self.base_url != "builtin:demo" and not _BASE_URL.fullmatch(self.base_url):
            raise ValueError("base_url: expected http(s)://host[/path] without a query, or builtin:demo")
        if self.credential and not _REFERENCE.fullmatch(self.credential):
            # the text may be the secret itself, so it is not repeated
            raise ValueError("credential: expected a reference, env:NAME or file:/path")


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
        if not found or (found["scheme"] == "http" and found["host"] not in _LOOPBACK):
            raise ValueError("url: expected https://host[:port], or http:// on this machine's loopback")
        if not _REFERENCE.fullmatch(self.token):
            raise ValueError("token: expected a reference, env:NAME or file:/path")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where policy lives and how it is evaluated. `enforce: false` records actions, carries out none.

    `path` is a folder of Rego, or a bundle (`*.tar.gz`) that the key in the file `verify_key` has signed.
    `shadow` is a candidate that is asked about live traffic as well, and never decides.
    """

    engine: Literal["auto", "sidecar", "embedded"] = "auto"
    path: str = "policies/rego"
    shadow: str = ""
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


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where evidence is kept, and how long (`365d`; empty is for ever). `content_key` is a reference."""

    path: str = "audit"
    segment_bytes: Positive = 64 * 1024 * 1024
    segment_seconds: Seconds = 3600
    anchor: Annotated[str, msgspec.Meta(pattern=_ANCHOR)] = ""
    content_key: str = ""
    retention: Annotated[str, msgspec.Meta(pattern=r"^([1-9]\d{0,4}d)?$")] = ""

    @property
    def kept(self) -> timedelta | None:
        """How long sealed records are kept; None is for ever."""
        return timedelta(days=int(self.retention[:-1])) if self.retention else None

    def __post_init__(self) -> None:
        if self.content_key and not _REFERENCE.fullmatch(self.content_key):
            # the text may be the secret itself, so it is not repeated
            raise ValueError("content_key: expected a reference, env:NAME or file:/path")


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens while a request waits for people; 0 keepalive seconds sends nothing before the outcome."""

    keepalive_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds, in bytes and seconds. `connections` and `held_bytes` are those of one worker."""

    connections: Positive = 1000
    held_bytes: Positive = 256 * 1024 * 1024  # of the bodies of all requests and answers under way
    body_bytes: Positive = 10 * 1024 * 1024
    response_bytes: Positive = 32 * 1024 * 1024
    depth: Annotated[int, msgspec.Meta(gt=0, le=200)] = 100
    parts: Positive = 20_000  # strings, keys and long numbers of one body
    inspect_seconds: Seconds = 10
    connect_seconds: Seconds = 10
    read_seconds: Seconds = 600
    drain_seconds: Seconds = 30


class CustomEntity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entity of one's own: words found as they stand (any case), or patterns that run in linear time.

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


class Detect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for. `off` silences entities; `phone_regions` are ISO 3166 codes."""

    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.4
    off: tuple[str, ...] = (
        "URL",
        "DATE_TIME",
        "UK_NHS",
        "MEDICAL_LICENSE",
        "US_DRIVER_LICENSE",
        "US_BANK_NUMBER",
    )
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")
    custom: tuple[CustomEntity, ...] = ()
    ner: Ner = Ner()


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where OpenTelemetry goes: the base URL of an OTLP/HTTP collector; it needs the extra `otel`."""

    otlp: Annotated[str, msgspec.Meta(pattern=r"^(|https?://[^/?#@\s]+(/[^?#\s]*)?)$")] = ""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    telemetry: Telemetry = Telemetry()
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-… count
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
        _networks(self.trusted_proxies)
        place = Path(self.audit.anchor.removeprefix("file:"))
        if self.audit.anchor.startswith("file:") and place.is_relative_to(self.audit_path.absolute()):
            raise ValueError("audit.anchor: expected a place outside the audit folder, which it vouches for")

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of the proxies in front of the gateway."""
        return _networks(self.trusted_proxies)

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
    def shadow_config(self) -> Config | None:
        """This configuration with the candidate in the policy's place, decided here; None without one."""
        policy = self.policy
        if not policy.shadow:
            return None
        key = policy.verify_key if policy.shadow.endswith(BUNDLE) else ""
        candidate = msgspec.structs.replace(policy, path=policy.shadow, shadow="", verify_key=key, opa=None)
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


def load_config(path: Path) -> Config:
    """Read and check the file.

    Raises ConfigError with the file, the path in it, what was found and what was expected.
    """
    try:
        document = expand(strict_yaml(path.read_text("utf-8")), os.environ)
    except NotExpanded as error:
        raise ConfigError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if isinstance(document, dict) and "root" in document:
        raise ConfigError(f"{path}: $.root: found an unknown key; it is not a setting")
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(error, document)}") from error
    from gateway.dialects import families  # here: processes that are given their settings do without

    for name, provider in config.providers.items():
        if provider.family not in families():
            expected = f"Expected one of {', '.join(families())}, found {provider.family!r}"
            raise ConfigError(f"{path}: $.providers.{name}.family: {expected}")
    try:
        return msgspec.structs.replace(config, root=path.resolve().parent)
    except ValueError as error:  # what only shows once the paths are known
        raise ConfigError(f"{path}: {error}") from error


def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ValueError(
            f"trusted_proxies: found {error}; expected addresses or networks, like 10.0.0.0/8"
        ) from error


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


def _explain(error: msgspec.ValidationError, document: object) -> str:
    """Turn msgspec's `<what> - at `$.a.b`` into the path, what was expected and what was found."""
    what, _, at = str(error).partition(" - at ")
    tokens = re.findall(r"\[\.\.\.\]|[^.\[\]$`]+", at)
    if "[...]" in tokens:  # msgspec does not say which provider: the first that does not convert
        tokens[tokens.index("[...]")] = _first_invalid(document)
    path = ".".join(["$", *tokens])
    if tokens[-1:] == ["credential"]:  # what stands there may be the secret itself
        return f"{path}: {what}"
    if what.startswith("Invalid enum value"):
        what = f"Expected one of {', '.join(_choices(tokens))}"
    found = _at(document, tokens)
    return f"{path}: {what}" if isinstance(found, dict | list) else f"{path}: {what}, found {found!r}"


def _first_invalid(document: Any) -> str:
    for name, provider in document["providers"].items():
        try:
            msgspec.convert(provider, Provider)
        except msgspec.ValidationError:
            return str(name)
    return "[...]"


def _choices(tokens: list[str]) -> list[str]:
    """The values that the setting at this path may take."""
    node: Any = msgspec.inspect.type_info(Config)
    for token in tokens:
        if isinstance(node, msgspec.inspect.DictType):
            node = node.value_type
        elif isinstance(node, msgspec.inspect.VarTupleType):
            node = node.item_type
        elif isinstance(node, msgspec.inspect.StructType):
            node = next(field.type for field in node.fields if field.name == token)
    return [str(value) for value in getattr(node, "values", ()) if value]


def _at(document: object, tokens: list[str]) -> object:
    """The value at a path, or the nearest thing above it."""
    for token in tokens:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdigit() and int(token) < len(document):
            document = document[int(token)]
        else:
            break
    return document
