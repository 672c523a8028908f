"""What a key is good for: providers, paths, models, networks, and how much of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import get_args

from gateway.errors import ConfigError, OutOfScope
from gateway.words import KeyScope, Used, Window

_MEASURES = ("requests", "tokens", "cost_micros")
_LIMIT = re.compile(rf"({'|'.join(_MEASURES)})_({'|'.join(get_args(Window))})")


def check_scope(scope: KeyScope) -> KeyScope:
    """Return the scope of a key that is to be made. Raises ConfigError for one that could never be meant."""
    for network in scope.networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise ConfigError(f"network: found {error}; expected one like 10.0.0.0/8") from error
    for limit, most in scope.limits.items():
        if not _LIMIT.fullmatch(limit):
            known = ", ".join(f"{measure}_{window}" for measure in _MEASURES for window in get_args(Window))
            raise ConfigError(f"limit: found {limit!r}; expected one of {known}")
        if not 0 <= most < 2**53:
            raise ConfigError(f"limit {limit}: found {most}; expected a whole number from 0")
    for what in ("providers", "models", "paths"):
        if not all(name and name == name.strip() and name.isprintable() for name in getattr(scope, what)):
            raise ConfigError(f"{what}: expected names or globs")
    return scope


def check_source(scope: KeyScope, ip: str) -> None:
    """Raise OutOfScope for a request from where the key may not be used."""
    if scope.networks and not _is_within(scope.networks, ip):
        raise OutOfScope("this key may not be used from this address")


def is_for(scope: KeyScope, provider: str) -> bool:
    """Return whether the key may be used for a provider."""
    return not scope.providers or any(fnmatchcase(provider, each) for each in scope.providers)


def check_use(scope: KeyScope, provider: str, path: str, models: Collection[str]) -> None:
    """Raise OutOfScope for a request to what the key is not good for; `models` are all it can reach."""
    for what, named, asked in (
        ("provider", scope.providers, (provider,)),
        ("path", scope.paths, (path,)),
        ("model", scope.models, models),
    ):
        beyond = named and any(not any(fnmatchcase(one, each) for each in named) for one in asked)
        if beyond:
            raise OutOfScope(f"this key may not be used for this {what}; it is for {', '.join(named)}")


def check_limits(scope: KeyScope, used: Mapping[Window, Used]) -> None:
    """Raise OutOfScope when the key has used more than it may, this request included."""
    for limit, most in scope.limits.items():
        measure, window = _parts(limit)
        found = used.get(window, Used())
        if getattr(found, measure) > most:
            refusal = OutOfScope(f"this key has used what it may: {limit} is {most}")
            if found.turns_in:
                refusal.ask_again_in(found.turns_in)
            raise refusal


def _parts(limit: str) -> tuple[str, Window]:
    found = _LIMIT.fullmatch(limit)
    assert found is not None  # it was checked when the key was made
    window: Window = next(one for one in get_args(Window) if one == found[2])
    return found[1], window


def _is_within(networks: tuple[str, ...], ip: str) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:  # of a socket that has none
        return False
    return any(address in network for network in _networks(networks))


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)
