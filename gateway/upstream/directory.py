"""The configured providers by name, each with its credential resolved once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import aiohttp

from gateway.config import Price, Provider, resolve_reference
from gateway.dialects import families
from gateway.errors import InvalidRequest, UpstreamUnavailable
from gateway.upstream.client import HttpTransport, Transport
from gateway.upstream.demo import DemoTransport
from gateway.words import Usage


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider that can be called. `secret` is its credential, kept to find it in what comes back."""

    name: str
    family: str
    transport: Transport
    secret: str | None
    prices: Mapping[str, Price] = field(default_factory=dict)

    def cost(self, model: str, usage: Usage) -> float:
        """Return what these tokens cost; -1 when they were not counted or the model has no price."""
        price = next((price for name, price in self.prices.items() if fnmatchcase(model, name)), None)
        if price is None or usage.input_tokens < 0:
            return -1
        spent = usage.input_tokens * price.input + max(usage.output_tokens, 0) * price.output
        return spent / 1_000_000


class Upstreams:
    """Every configured provider; `disabled` says why some of them cannot be called."""

    def __init__(self, providers: Mapping[str, Provider], session: aiohttp.ClientSession) -> None:
        self.disabled: dict[str, str] = {}
        self._upstreams: dict[str, Upstream] = {}
        for name, provider in providers.items():
            secret = resolve_reference(provider.credential) if provider.credential else None
            if provider.credential and secret is None:
                self.disabled[name] = f"its credential {provider.credential} is not set"
            else:
                self._upstreams[name] = _upstream(name, provider, secret, session)

    def find(self, name: str) -> Upstream:
        """Return the provider of this name.

        Raises InvalidRequest for an unknown provider, UpstreamUnavailable for one that is disabled.
        """
        if name in self.disabled:
            raise UpstreamUnavailable(f"provider {name!r} is disabled: its credential is not set")
        if name not in self._upstreams:
            raise InvalidRequest("unknown provider: expected the name of one that regate.yaml configures")
        return self._upstreams[name]


def _upstream(name: str, provider: Provider, secret: str | None, session: aiohttp.ClientSession) -> Upstream:
    transport: Transport
    if provider.base_url == "builtin:demo":
        transport = DemoTransport(provider.family)
    else:
        transport = HttpTransport(session, provider.base_url, _credential(provider, secret))
    return Upstream(name, provider.family, transport, secret, provider.prices)


def _credential(provider: Provider, secret: str | None) -> Mapping[str, str]:
    """Return the header that carries the credential, in the family's way unless the provider names one."""
    if not secret:
        return {}
    if provider.credential_header:
        return {provider.credential_header: secret}
    return families()[provider.family].credential(secret)
