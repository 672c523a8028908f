"""From request headers to an Agent: the only place where a caller becomes known."""

from __future__ import annotations

import asyncio
import hmac
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.config import Config, path_of
from gateway.errors import InvalidRequest, StateUnavailable, Unauthenticated
from gateway.identity.headers import BLANKS
from gateway.identity.key_use import KeyUse
from gateway.identity.keys import check_key, split_key
from gateway.identity.scopes import check_source
from gateway.state import KeyRow, Keys, Role
from gateway.words import Agent, Delegate

if TYPE_CHECKING:  # what reads tokens and certificates is loaded by those who configure it
    from gateway.identity.tokens import SignedToken, SignedTokens
    from gateway.identity.workloads import Workloads

_CACHED_KEYS = 10_000
_FIND_SECONDS = 1.0
_SIGNED = "aws4-hmac-sha256"
_PEOPLE: tuple[Role, ...] = ("approver", "auditor", "admin")


class Identity:
    """Knows callers by their keys, tokens and certificates.

    A key row is trusted for half a second, so revocation acts within one.
    """

    def __init__(
        self,
        keys: Keys,
        tokens: SignedTokens | None = None,
        workloads: Workloads | None = None,
        *,
        now: Callable[[], float] = time.time,
        fresh_seconds: float = 0.5,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._workloads = workloads
        self._used = KeyUse(keys, now)
        self._now = now
        self._fresh_seconds = fresh_seconds
        self._cache: OrderedDict[str, tuple[float, KeyRow]] = OrderedDict()

    async def close(self) -> None:
        """Stop fetching keys of issuers, and write down which keys were used."""
        if self._tokens:
            await self._tokens.close()
        await self._used.close()

    async def identify(
        self,
        authorization: str | None,
        x_api_key: str | None,
        on_behalf_of: str | None,
        *,
        end_user_token: str = "",
        certificate: str = "",
        ip: str = "",
    ) -> Agent:
        """Return the agent on the data path: by its key or token, or else by its client certificate (PEM).

        Raises Unauthenticated, InvalidRequest on a malformed end user, OutOfScope where its key is not for
        this address, StateUnavailable without the keys, IssuerUnavailable without those of a token's issuer.
        """
        presented = presented_key(authorization, x_api_key, certificate)
        given = self._workloads.read(certificate) if certificate and self._workloads else None
        thumbprint = given.thumbprint if given else ""
        may_name = False
        if not presented:
            if given is None or self._workloads is None:
                raise Unauthenticated("client certificate: this gateway knows no workloads")
            agent = self._workloads.agent(given)
        elif presented.count(".") > 1:  # as in a JWT, and never in a key
            if not self._tokens:
                raise Unauthenticated("token: this gateway believes no issuer; see `oidc` in regate.yaml")
            token, agent = await self._tokens.agent(presented)
            check_bound(token, thumbprint)
        else:
            row = await self._agent_key(presented, ip)
            agent, may_name = _keyed(row), row.delegate
        if end_user_token.strip(BLANKS):
            return await self._acting(agent, on_behalf_of, end_user_token.strip(BLANKS), thumbprint, may_name)
        return _asserted(agent, on_behalf_of, may_name)

    async def _agent_key(self, presented: str, ip: str) -> KeyRow:
        row = await self.identify_key(presented)
        if row.role != "agent":
            raise Unauthenticated(f"this key has role {row.role}; the data path takes agent keys only")
        check_source(row.scope, ip)
        self._used.note(row.id)
        return row

    async def _acting(
        self, agent: Agent, on_behalf_of: str | None, signed: str, thumbprint: str, may_name: bool
    ) -> Agent:
        """Return the agent with the end user whom a token of theirs proves."""
        if on_behalf_of or agent.delegation:
            raise InvalidRequest("x-regate-on-behalf-of-token: found another end user, expected one")
        if not self._tokens:
            raise Unauthenticated("end user's token: this gateway believes no issuer")
        token, delegation = await self._tokens.end_user(signed, agent.id, may_name=may_name)
        check_bound(token, thumbprint)
        until = min(agent.until, token.until)
        return replace(agent, on_behalf_of=delegation[0].name, delegation=delegation, until=until)

    async def confirm(self, agent: Agent, certificate: str = "") -> None:
        """Raise Unauthenticated when the agent's credential has ended meanwhile, or StateUnavailable."""
        if agent.until <= self._now():
            raise Unauthenticated("this token or certificate has ended since the request began")
        if agent.method == "mtls" and self._workloads:
            self._workloads.read(certificate)
        if agent.key_id:
            row = await self._find(agent.key_id)
            if row is None or row.status(self._now()) != "active":
                raise Unauthenticated("this key has ended since the request began")

    async def identify_person(self, presented: str) -> KeyRow:
        """Return the key of an approver, auditor or admin; refuse machine keys. Raises as `identify`."""
        row = await self.identify_key(presented)
        if row.role not in _PEOPLE:
            raise Unauthenticated(f"this key has role {row.role}; expected the key of a person")
        return row

    async def identify_key(self, presented: str) -> KeyRow:
        """Return a live key of any role. Raises Unauthenticated, StateUnavailable without the keys."""
        key_id, secret = split_key(presented)
        return check_key(await self._find(key_id), secret, self._now())

    async def _find(self, key_id: str) -> KeyRow | None:
        begun = time.monotonic()
        await self._keys.state.proven()
        cached = self._cache.get(key_id)
        if cached is not None and begun - cached[0] < self._fresh_seconds:
            return cached[1]
        self._cache.pop(key_id, None)
        try:
            async with asyncio.timeout(_FIND_SECONDS):
                row = await self._keys.state.reading(self._keys.find, key_id)
        except TimeoutError as error:
            raise StateUnavailable(f"state: no answer from the database in {_FIND_SECONDS:g} s") from error
        if row is not None:  # unknown ids are not kept: a new key works at once, and guesses take no memory
            self._cache[key_id] = (begun, row)
            if len(self._cache) > _CACHED_KEYS:
                self._cache.popitem(last=False)
        return row


def open_identity(config: Config, keys: Keys) -> Identity:
    """Return what knows the callers of a gateway; it begins to fetch the keys of the configured issuers."""
    tokens = workloads = None
    if config.oidc.issuers:
        from gateway.identity.tokens import SignedTokens

        tokens = SignedTokens(config.oidc, config.root)
        tokens.start()
    # where certificates are checked, even without workloads: tokens may be bound to one
    if config.certificate_proxies or (config.listen_tls and config.listen_tls.client_ca):
        from gateway.identity.workloads import Workloads

        revoked = path_of(config.root, config.revoked) if config.revoked else None
        workloads = Workloads(config.workloads, revoked)
    return Identity(keys, tokens, workloads)


def check_bound(token: SignedToken, thumbprint: str) -> None:
    """Raise Unauthenticated when a token is bound to a certificate that was not shown (RFC 8705, 3)."""
    if token.bound_to and not hmac.compare_digest(token.bound_to.encode(), thumbprint.encode()):
        raise Unauthenticated("token: bound to a client certificate that this connection has not shown")


def presented_key(authorization: str | None, x_api_key: str | None, certificate: str = "") -> str:
    """Return the key in `Authorization: Bearer …` (OpenAI) or the like of `x-api-key`; two must be equal.

    With a client certificate there need not be one: then it is "".
    A signature of AWS names no caller here, and is dropped: such a client sends its key beside it.
    """
    scheme, _, bearer = (authorization or "").strip(BLANKS).partition(" ")
    if scheme.lower() == _SIGNED:
        bearer = ""
        if not (x_api_key or certificate):
            raise Unauthenticated("a signature of AWS and no key: set AWS_BEARER_TOKEN_BEDROCK to the key")
    elif scheme and scheme.lower() != "bearer":
        raise Unauthenticated("authorization: expected the scheme Bearer")
    found = {key for key in (bearer.strip(BLANKS), (x_api_key or "").strip(BLANKS)) if key}
    if not found and certificate:
        return ""
    if not found:
        raise Unauthenticated("no key: expected Authorization: Bearer or x-api-key")
    if len(found) > 1:
        raise Unauthenticated("two different keys in Authorization and elsewhere: expected one")
    return found.pop()


def _keyed(row: KeyRow) -> Agent:
    return Agent(
        id=row.agent,
        owner=row.owner,
        method="api_key",
        groups=row.groups,
        claims={"role": row.role},
        key_id=row.id,
        scope=row.scope,
    )


def _asserted(agent: Agent, on_behalf_of: str | None, may_name: bool) -> Agent:
    """Return the agent with the end user whom it names; refuse one that may not name any."""
    named = (on_behalf_of or "").strip(BLANKS)
    if not named:
        return agent
    if not may_name:
        raise Unauthenticated("this key may not name an end user; expected one made with --delegate")
    with suppress(UnicodeError):  # HTTP servers read headers as Latin-1; names are sent as UTF-8
        named = named.encode("latin-1").decode("utf-8")
    named = unicodedata.normalize("NFC", named)  # one person, one spelling
    if len(named) > 256 or not named.isprintable():
        raise InvalidRequest("x-regate-on-behalf-of: expected at most 256 printable characters")
    return replace(agent, on_behalf_of=named, delegation=(Delegate(named, "", "asserted"),))
