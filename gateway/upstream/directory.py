"""The configured providers by name, each with its credential resolved once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

import aiohttp

from gateway.config import Aws, Price, Provider, resolve_reference
from gateway.dialects import families
from gateway.errors import InvalidRequest, UpstreamUnavailable
from gateway.upstream.client import HttpTransport, Transport
from gateway.upstream.demo import DemoTransport
from gateway.upstream.sigv4 import AwsKeys, Signature
from gateway.words import Usage

_SERVICE = "bedrock"  # the name that AWS has in signatures for what is called here


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider that can be called, with a credential or with a signature."""

    name: str
    family: str
    transport: Transport
    credential: str | None = field(repr=False)
    prices: Mapping[str, Price] = field(default_factory=dict)
    base_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    signature: Signature | None = None

    @property
    def secret(self) -> str | None:
        """What goes up that no answer may repeat: the credential, or the session token of a signature."""
        keys = self.signature.keys if self.signature else None
        return (keys.session_token or keys.secret_key) if keys else self.credential

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
            unset = next((one for one in provider.references if resolve_reference(one) is None), None)
            if unset:
                self.disabled[name] = f"its credential {unset} is not set"
            else:
                self._upstreams[name] = _upstream(name, provider, session)

    def find(self, name: str) -> Upstream:
        """Return the provider of this name.

        Raises InvalidRequest for an unknown provider, UpstreamUnavailable for one that is disabled.
        """
        if name in self.disabled:
            raise UpstreamUnavailable(f"provider {name!r} is disabled: its credential is not set")
        if name not in self._upstreams:
            raise InvalidRequest("unknown provider: expected the name of one that regate.yaml configures")
        return self._upstreams[name]


def _upstream(name: str, provider: Provider, session: aiohttp.ClientSession) -> Upstream:
    secret = resolve_reference(provider.credential) if provider.credential else None
    signature = Signature(partial(_keys, provider.aws), provider.region, _SERVICE) if provider.aws else None
    transport: Transport
    if provider.base_url == "builtin:demo":
        transport = DemoTransport(provider.family)
    else:
        transport = HttpTransport(session, provider.base_url, _credential(provider, secret), signature)
    about = provider.prices, provider.base_url, provider.labels
    return Upstream(name, provider.family, transport, secret, *about, signature)


def _credential(provider: Provider, secret: str | None) -> Mapping[str, str]:
    """Return the header that carries the credential, in the family's way unless the provider names one."""
    if not secret:
        return {}
    if provider.credential_header:
        return {provider.credential_header: secret}
    return families()[provider.family].credential(secret)


def _keys(aws: Aws) -> AwsKeys | None:
    """Return the keys of AWS as they are now; None when one is not set."""
    access_key, secret_key = resolve_reference(aws.access_key), resolve_reference(aws.secret_key)
    token = resolve_reference(aws.session_token) if aws.session_token else ""
    return (
        None
        if access_key is None or secret_key is None or token is None
        else AwsKeys(access_key, secret_key, token)
    )
