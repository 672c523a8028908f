"""The configured providers by name, each with its deployments and their credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Protocol

import aiohttp

from gateway.config import (
    BUILT_IN,
    GOOGLE,
    Aws,
    Deployment,
    Price,
    Provider,
    VaultSettings,
    resolve_reference,
)
from gateway.dialects import families
from gateway.errors import InvalidRequest, UpstreamUnavailable
from gateway.upstream.client import HttpTransport, Transport
from gateway.upstream.connection import ConnectionSettings
from gateway.upstream.credentials import Credential, credential_of
from gateway.upstream.demo import DemoTransport
from gateway.upstream.keyring import CredentialRing, Key
from gateway.upstream.routes import LiveDeployment, Routes, Telling, Untold
from gateway.upstream.sigv4 import AwsKeys, Signature
from gateway.upstream.vault import VaultReader
from gateway.words import Usage

_SERVICE = "bedrock"  # the name that AWS has in signatures for what is called here


class ProviderSecrets(Protocol):
    """What a provider is called with."""

    @property
    def secret(self) -> str | None: ...

    @property
    def unset(self) -> str:
        """The reference without which it cannot be called; "" where nothing is missing."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider that can be called, with credentials or with a signature."""

    name: str
    family: str
    transport: Transport
    secrets: ProviderSecrets | None
    prices: Mapping[str, Price] = field(default_factory=dict)
    base_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()

    @property
    def secret(self) -> str | None:
        """What goes up that no answer may repeat: the credential, or the session token of a signature."""
        return self.secrets.secret if self.secrets else None

    @property
    def unset(self) -> str:
        """The reference without which it cannot be called; "" where nothing is missing."""
        return self.secrets.unset if self.secrets else ""

    def cost(self, model: str, usage: Usage) -> float:
        """Return what these tokens cost; -1 when they were not counted or the model has no price."""
        price = next((price for name, price in self.prices.items() if fnmatchcase(model, name)), None)
        if price is None or usage.input_tokens < 0:
            return -1
        spent = usage.input_tokens * price.input + max(usage.output_tokens, 0) * price.output
        return spent / 1_000_000


class Upstreams:
    """Every configured provider. Paths in their settings are taken from `root`."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        session: aiohttp.ClientSession,
        root: Path = Path(),
        telling: Telling | None = None,
        vault: VaultSettings | None = None,
    ) -> None:
        told, reader = telling or Untold(), VaultReader(vault, session, root) if vault else None
        self._upstreams = {
            name: _upstream(name, provider, session, root, told, reader)
            for name, provider in providers.items()
        }

    @property
    def disabled(self) -> dict[str, str]:
        """Why some of them cannot be called now."""
        found = ((name, one.unset) for name, one in self._upstreams.items())
        return {name: f"its credential {unset} is not set" for name, unset in found if unset}

    def find(self, name: str) -> Upstream:
        """Return the provider of this name.

        Raises InvalidRequest for an unknown provider, UpstreamUnavailable for one that is disabled.
        """
        if name not in self._upstreams:
            raise InvalidRequest(
                "unknown provider: expected one of regate.yaml, first in the path: /NAME/v1/…"
            )
        found = self._upstreams[name]
        if found.unset and not found.fallback:
            raise UpstreamUnavailable(f"provider {name!r} is disabled: its credential is not set")
        return found


def _upstream(
    name: str,
    provider: Provider,
    session: aiohttp.ClientSession,
    root: Path,
    telling: Telling,
    vault: VaultReader | None,
) -> Upstream:
    about = provider.prices, provider.base_url, provider.labels
    places = provider.places
    if provider.base_url == BUILT_IN:
        return Upstream(
            name, provider.family, DemoTransport(provider.family), _keyring(places[0], {}, vault), *about
        )
    held: dict[str, Credential] = {}
    connection = ConnectionSettings.of(provider, root, session.timeout)
    signature = Signature(partial(_keys, provider.aws), provider.region, _SERVICE) if provider.aws else None
    routes = Routes(
        name,
        [
            LiveDeployment(
                one.base_url,
                one.weight,
                HttpTransport(session, one.base_url, {}, signature, connection),
                _keyring(one, held, vault),
                Key(credential_of(provider.aws.access_key)) if provider.aws else None,
            )
            for one in places
        ],
        _header(provider),
        telling,
    )
    secrets = SigningSecrets(signature, provider.references) if signature else routes
    return Upstream(name, provider.family, routes, secrets, *about, provider.fallback)


def _keyring(place: Deployment, held: dict[str, Credential], vault: VaultReader | None) -> CredentialRing:
    """Return the credentials of a deployment; those that others have as well are asked for once."""
    for one in place.credentials:
        held.setdefault(one.credential, credential_of(one.credential, vault))
    return CredentialRing([Key(held[one.credential], one.weight) for one in place.credentials])


def _header(provider: Provider) -> Callable[[str], Mapping[str, str]]:
    """Return what gives the header of a credential: the family's way, unless the provider names one."""
    if name := provider.credential_header:
        return lambda secret: {name: secret}
    if any(one.startswith(GOOGLE) for one in provider.all_references):
        return lambda secret: {"authorization": f"Bearer {secret}"}
    return families()[provider.family].credential


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """The keys behind a signature, of which none may be missing."""

    signature: Signature
    references: Sequence[str]

    @property
    def secret(self) -> str | None:
        keys = self.signature.keys
        return (keys.session_token or keys.secret_key) if keys else None

    @property
    def unset(self) -> str:
        if self.signature.keys:
            return ""
        return next((one for one in self.references if resolve_reference(one) is None), self.references[0])


def _keys(aws: Aws) -> AwsKeys | None:
    """Return the keys of AWS as they are now; None when one is not set."""
    access_key, secret_key = resolve_reference(aws.access_key), resolve_reference(aws.secret_key)
    token = resolve_reference(aws.session_token) if aws.session_token else ""
    return (
        None
        if access_key is None or secret_key is None or token is None
        else AwsKeys(access_key, secret_key, token)
    )
