"""Signed tokens of the configured issuers: verified once, then known until they end.

    token → its issuer → its key → signature → times and audience → the agent that it is about

Nothing in a token counts before its signature holds, but for `iss` and `kid`, which say what to verify it by.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError

from gateway.config import Algorithm, Issuer, Oidc
from gateway.errors import Unauthenticated
from gateway.identity.claims import agent_of, chain_of, check_required, subject_of
from gateway.identity.key_sets import KeySet, PublicKey, trust_domain
from gateway.words import Agent, Delegate

MOST_BYTES = 16 * 1024


class _Registry(jws.JWSRegistry):
    """What a header may be: issuers put certificates and words of their own into it."""

    max_header_length = MOST_BYTES


_REGISTRY = _Registry(algorithms=list(get_args(Algorithm)), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A verified token: who is meant by it, until when, and to which certificate it is bound.

    `actors` are those whom it names to act for its subject, `may_act` the one who may.
    """

    issuer: Issuer
    claims: Mapping[str, Any]
    key: PublicKey
    until: float
    bound_to: str

    def agent(self, depth: int) -> Agent:
        """Return the agent that calls with this token. Raises Unauthenticated."""
        if self.issuer.names == "people":
            raise Unauthenticated("token: its issuer names people; expected a token or key of the agent")
        return replace(agent_of(self.claims, self.issuer, depth), until=self.until)


class SignedTokens:
    """Verifies tokens of the configured issuers, and knows the verified ones again."""

    def __init__(
        self,
        settings: Oidc,
        root: Path = Path(),
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now = now
        self._issuers = {one.issuer: (one, KeySet(one, root, clock)) for one in settings.issuers}
        self._known: OrderedDict[bytes, SignedToken] = OrderedDict()
        self._agents: dict[bytes, Agent] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def __bool__(self) -> bool:
        return bool(self._issuers)

    def start(self) -> None:
        """Begin to fetch keys. An issuer that cannot be reached stops no other caller."""
        for issuer, keys in self._issuers.values():
            self._tasks.append(asyncio.create_task(keys.keep_fresh(), name=f"keys of {issuer.issuer}"))

    async def close(self) -> None:
        """Stop fetching keys."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for _, keys in self._issuers.values():
            await keys.close()

    async def agent(self, token: str) -> tuple[SignedToken, Agent]:
        """Return a verified token and the agent that calls with it.

        Raises Unauthenticated, or IssuerUnavailable when its key is not known and cannot be fetched.
        """
        digest = _digest(token)
        found = await self._verified(token, digest)
        agent = self._agents.get(digest)
        if agent is None:
            agent = found.agent(self._settings.depth)
            if digest in self._known:
                self._agents[digest] = agent
        return found, agent

    async def end_user(
        self, token: str, actor: str, *, may_name: bool
    ) -> tuple[SignedToken, tuple[Delegate, ...]]:
        """Return for whom `actor` acts by this token, the end user first.

        The token has to name the actor (`act`, `may_act`), unless the actor may name any end user. Raises
        Unauthenticated, IssuerUnavailable.
        """
        found = await self._verified(token, _digest(token))
        if found.issuer.names == "agents":
            raise Unauthenticated("end user's token: its issuer names agents; expected `names: people`")
        actors = chain_of(found.claims, self._settings.depth)
        may_act = found.claims.get("may_act")
        named = actors[:1] or ((may_act.get("sub"),) if isinstance(may_act, Mapping) else ())
        if named != (actor,) and (named or not may_name):
            raise Unauthenticated(f"end user's token: it does not name the agent {actor} as its actor")
        before = (Delegate(name, found.issuer.issuer, "proved") for name in reversed(actors[1:]))
        return found, (subject_of(found.claims, found.issuer), *before)

    async def _verified(self, token: str, digest: bytes) -> SignedToken:
        found = self._known.get(digest)
        if found is not None:
            if found.until > self._now() and self._issuers[found.issuer.issuer][1].holds(found.key):
                return found
            del self._known[digest]
            self._agents.pop(digest, None)
        found = await self._verify(token)
        if self._settings.cached:
            self._known[digest] = found
            if len(self._known) > self._settings.cached:
                oldest, _ = self._known.popitem(last=False)
                self._agents.pop(oldest, None)
        return found

    async def _verify(self, token: str) -> SignedToken:
        header, unproven = _opened(token)
        issuer, keys = self._issuer_of(unproven)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise Unauthenticated(f"token: its algorithm is none of {', '.join(issuer.algorithms)}")
        if kid is not None and not isinstance(kid, str):
            raise Unauthenticated("token: expected `kid` to be a string")
        key = await keys.find(kid, algorithm)
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm], registry=_REGISTRY).claims
        except (JoseError, ValueError) as error:
            raise Unauthenticated("token: its signature does not hold") from error
        self._check(claims, issuer)
        check_required(claims, issuer)
        return SignedToken(issuer, claims, key, float(claims["exp"]) + issuer.skew_seconds, _bound_to(claims))

    def _issuer_of(self, unproven: Mapping[str, Any]) -> tuple[Issuer, KeySet]:
        """Return the issuer that a token names; a JWT-SVID may name it by its subject alone."""
        named = unproven.get("iss")
        found = self._issuers.get(named) if isinstance(named, str) else None
        if found is None:
            found = self._issuers.get(trust_domain(str(unproven.get("sub"))))
        if found is None:
            raise Unauthenticated("token: its issuer is none of those that this gateway believes")
        return found

    def _check(self, claims: dict[str, Any], issuer: Issuer) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=int(issuer.skew_seconds),
            aud={"essential": True, "values": list(issuer.audiences)},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError as error:
            raise Unauthenticated("token: it has expired") from error
        except (InvalidClaimError, MissingClaimError) as error:
            told = "it is for another audience" if error.claim == "aud" else error.description
            raise Unauthenticated(f"token: {told}") from error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _opened(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims as they are written, which proves nothing. Raises Unauthenticated."""
    if len(token) > MOST_BYTES:
        raise Unauthenticated(f"token: over {MOST_BYTES} characters")
    try:
        parsed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        claims = json.loads(parsed.payload)
        header = parsed.headers()
    except (JoseError, ValueError, RecursionError) as error:
        raise Unauthenticated("token: expected a signed JWT of three parts") from error
    if not isinstance(claims, dict):
        raise Unauthenticated("token: expected claims in a JSON object")
    return header, claims


def _bound_to(claims: Mapping[str, Any]) -> str:
    """Return the thumbprint of the certificate that a token is bound to (RFC 8705, 3.1), "" for none.

    Raises Unauthenticated for a token that is bound to something else, of which the caller has to give proof.
    """
    confirmation = claims.get("cnf")
    if confirmation is None:
        return ""
    thumbprint = confirmation.get("x5t#S256") if isinstance(confirmation, Mapping) else None
    if not isinstance(thumbprint, str) or not thumbprint or len(confirmation) != 1:
        raise Unauthenticated(
            "token: bound to something other than a client certificate, which is not supported"
        )
    return thumbprint
