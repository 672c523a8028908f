"""The sections of `regate.yaml` that say who may call: issuers of tokens, workloads, and TLS of our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from gateway.config.settings import Seconds

# Signatures of asymmetric keys alone: a public key can never be taken for the secret of an HMAC.
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]
Claim = Annotated[str, msgspec.Meta(pattern=r"^(=.+|/.+|[^=/].*)$")]
"""A claim's name, a JSON pointer to one (`/kubernetes.io/namespace`), or `=` and the value itself."""

Group = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TRUST_DOMAIN = re.compile(r"spiffe://[a-z0-9._-]{1,255}")
_URL = re.compile(r"[a-z]+://")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")
SPIFFE = "spiffe://"


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One that signs tokens: whose, for whom, where its keys are, and which claim says what.

    `issuer` is the `iss` of its tokens, or the trust domain of JWT-SVIDs. `jwks` is a URL or a file; without
    it the issuer says where its keys are (OpenID Connect Discovery). `grants` lead from values of the claim
    `groups` to groups of ours, and then no other value counts. `require` is what claims have to be. `names`
    says whom its tokens are about: agents, or the people for whom an agent acts that proves itself otherwise.
    """

    issuer: str
    audience: str | tuple[str, ...]
    owner: Claim
    agent: Claim = "sub"
    groups: Claim | Literal[""] = ""
    grants: dict[str, tuple[Group, ...]] = {}
    default_groups: tuple[Group, ...] = ("default",)
    person: Claim | Literal[""] = ""
    claims: tuple[str, ...] = ()
    require: dict[str, str | tuple[str, ...]] = {}
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = ("RS256", "ES256")
    jwks: str = ""
    ca: str = ""
    credential: str = ""
    names: Literal["agents", "people", "both"] = "agents"
    skew_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30
    refresh_seconds: Annotated[float, msgspec.Meta(ge=1)] = 600
    keep_seconds: Seconds = 86_400

    @property
    def audiences(self) -> tuple[str, ...]:
        """Every `aud` that means this gateway."""
        return (self.audience,) if isinstance(self.audience, str) else self.audience

    @property
    def named_groups(self) -> frozenset[str]:
        """The groups that its agents can be in, as far as the configuration names them."""
        granted = (group for groups in self.grants.values() for group in groups)
        return frozenset((*self.default_groups, *granted))

    def __post_init__(self) -> None:
        if not self.audiences or not all(self.audiences):
            raise ValueError("audience: expected one at least, or tokens for other services would pass")
        if _TRUST_DOMAIN.fullmatch(self.issuer):
            if not self.jwks:
                raise ValueError("jwks: expected it with a trust domain, which has no discovery")
        elif not _is_safe(self.issuer):
            raise ValueError("issuer: expected https://host[/path], http:// on loopback, or spiffe://domain")
        if _URL.match(self.jwks) and not _is_safe(self.jwks):
            raise ValueError("jwks: expected a path, https://…, or http:// on this machine's loopback")
        if self.credential and not _REFERENCE.fullmatch(self.credential):
            # the text may be the secret itself, so it is not repeated
            raise ValueError("credential: expected a reference, env:NAME or file:/path")
        if self.grants and not self.groups:
            raise ValueError("grants: expected `groups` beside it, the claim whose values they are about")
        if self.keep_seconds < self.refresh_seconds:
            raise ValueError("keep_seconds: expected no less than refresh_seconds")


class Oidc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose tokens are believed. A chain of `act` may be `depth` long; `cached` tokens are kept in memory."""

    issuers: tuple[Issuer, ...] = ()
    depth: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    cached: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 10_000

    def __post_init__(self) -> None:
        names = [one.issuer for one in self.issuers]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"issuers: found {twice!r} twice; expected each issuer once")


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who calls with a client certificate: `id` is a glob over SPIFFE ids and URIs, or `dns:` and a host.

    A trust domain is written out. `agent` is what it is called; without it by its id.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9+.-]*://[^*?\[/\s]+/\S*|dns:\S+)$")]
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    agent: Annotated[str, msgspec.Meta(max_length=200)] = ""
    groups: tuple[Group, ...] = ("default",)


class ListenTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS by Regate itself. The files are read again when they change.

    `client_ca` vouches for clients' certificates, which `client: required` makes a condition of every
    connection.
    """

    certificate: str
    key: str
    client_ca: str = ""
    client: Literal["optional", "required"] = "optional"

    def __post_init__(self) -> None:
        if self.client == "required" and not self.client_ca:
            raise ValueError("client: expected a client_ca to check the required certificates by")


def path_of(root: Path, path: str) -> Path:
    """Return a path of the configuration, from the folder of its file."""
    return root / path.removeprefix("file:")


def _is_safe(url: str) -> bool:
    """Return whether what is fetched from there cannot be changed on its way."""
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
