"""Asks a provider for its models, which costs nothing, with each of its credentials: for `regate doctor`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from gateway.config import Provider, VaultSettings
from gateway.errors import Refusal
from gateway.upstream.client import UpstreamRequest, open_session
from gateway.upstream.directory import Upstreams
from gateway.upstream.faults import NotConnected
from gateway.upstream.keyring import Key
from gateway.upstream.routes import LiveDeployment, Routes

_SECONDS = 5.0
_SKEW_SECONDS = 60
_REFUSES = (401, 403)
# A path that lists models, and what the family wants said with it.
_PATHS = {
    "openai": "/v1/models",
    "anthropic": "/v1/models",
    "gemini": "/v1beta/models",
    "ollama": "/api/tags",
}
_HEADERS = {"anthropic": {"anthropic-version": "2023-06-01"}}


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of one deployment with one credential; `remedy` is empty when all is well."""

    place: str
    state: str
    ok: bool = True
    remedy: str = ""


def probe(provider: Provider, root: Path, vault: VaultSettings | None = None) -> list[Probed]:
    """Ask every deployment of a provider with every credential; nothing of its answers is shown."""
    return asyncio.run(_probe(provider, root, vault))


async def _probe(provider: Provider, root: Path, vault: VaultSettings | None) -> list[Probed]:
    async with open_session(_SECONDS, _SECONDS) as session:
        upstreams = Upstreams({"": provider}, session, root, vault=vault)
        if disabled := upstreams.disabled.get(""):
            return [Probed("", f"disabled: {disabled}", remedy="set it to enable the provider")]
        routes = upstreams.find("").transport
        assert isinstance(routes, Routes)
        unset = [
            Probed(place.base_url, f"{reference} is not set", remedy="set it, or take it out")
            for place in routes.places
            for reference in place.keyring.all_unset
        ]
        asked = [
            _ask(provider, routes, place, key) for place in routes.places for key in place.keyring.order("")
        ]
        return [*await asyncio.gather(*asked), *unset]


async def _ask(provider: Provider, routes: Routes, place: LiveDeployment, key: Key | None) -> Probed:
    path = _PATHS.get(provider.family, "")
    called = path.removeprefix("/v1") if place.base_url.rstrip("/").endswith("/v1") else path
    request = UpstreamRequest("GET" if path else "HEAD", called, "", _HEADERS.get(provider.family, {}), b"")
    try:
        credential = await key.credential.current() if key and path else None
        response = await place.transport.send(request, routes.header(credential) if credential else {})
    except NotConnected as error:
        remedy = "check address, network, proxy and certificates"
        return Probed(place.base_url, f"cannot be reached: {error.why}", False, remedy)
    except Refusal as error:
        why = f"{error.message}: {error.__cause__}" if error.__cause__ else error.message
        return Probed(place.base_url, f"{_named(key)}{why}", False, "see to the provider or its credential")
    await response.close()
    if path and response.status in _REFUSES and not provider.aws:
        said = f"refuses {_named(key) or 'calls without a credential: '}{response.status}"
        return Probed(place.base_url, said, False, "renew the credential where its reference points to")
    for said in _skewed(response.headers):
        return Probed(place.base_url, f"answers, but {said}", False, "set this machine's clock (NTP)")
    takes = f", takes {key.credential.reference}" if key and path and response.status == 200 else ""
    return Probed(place.base_url, f"answers{takes}")


def _named(key: Key | None) -> str:
    return f"{key.credential.reference}: " if key else ""


def _skewed(headers: Mapping[str, str]) -> Iterator[str]:
    try:
        there = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return
    skew = time.time() - there
    if abs(skew) > _SKEW_SECONDS:
        yield f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} its own"
