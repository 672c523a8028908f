"""From a verified token's claims to the agent that calls, as the issuer's settings map them.

    claims    {"sub": "alice", "act": {"sub": "mail-bot", "act": {"sub": "planner"}}}
    agent     mail-bot, on behalf of alice; delegation: alice, planner

The claim `act` (RFC 8693, 4.1) names the actor outermost, and within it those who acted before.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from gateway.config import SPIFFE, Issuer
from gateway.errors import Unauthenticated
from gateway.identity.key_sets import trust_domain
from gateway.words import Agent, Delegate

Claims = Mapping[str, Any]
_NAME_CHARACTERS = 256
_MOST_GROUPS = 200


def agent_of(claims: Claims, issuer: Issuer, depth: int) -> Agent:
    """Return the agent that a token is about, and for whom it acts. Raises Unauthenticated."""
    actors = chain_of(claims, depth)
    if issuer.issuer.startswith(SPIFFE) and trust_domain(str(claims.get("sub"))) != issuer.issuer:
        raise Unauthenticated("token: its subject is not of its trust domain")
    delegation: tuple[Delegate, ...] = ()
    if actors:
        before = tuple(Delegate(name, issuer.issuer, "proved") for name in reversed(actors[1:]))
        delegation = (subject_of(claims, issuer), *before)
    elif issuer.person and (person := _optional(claims, issuer.person, "person")):
        delegation = (Delegate(person, issuer.issuer, "proved"),)
    return Agent(
        id=actors[0] if actors else _name(claims, issuer.agent, "agent"),
        owner=_name(claims, issuer.owner, "owner"),
        method="oidc",
        groups=groups_of(claims, issuer),
        claims={name: claims[name] for name in ("iss", "sub", *issuer.claims) if name in claims},
        on_behalf_of=delegation[0].name if delegation else "",
        delegation=delegation,
    )


def subject_of(claims: Claims, issuer: Issuer) -> Delegate:
    """Return the end user whom a token is about."""
    return Delegate(_name(claims, issuer.person or "sub", "person"), issuer.issuer, "proved")


def chain_of(claims: Claims, depth: int) -> tuple[str, ...]:
    """Return who acts, and who acted before, the last one first. Raises Unauthenticated for too many."""
    found: list[str] = []
    actor = claims.get("act")
    while actor is not None:
        if not isinstance(actor, Mapping):
            raise Unauthenticated("token: expected `act` to be an object with `sub`")
        if len(found) == depth:
            raise Unauthenticated(f"token: `act` is nested deeper than {depth}")
        found.append(_name(actor, "sub", "act.sub"))
        actor = actor.get("act")
    return tuple(found)


def groups_of(claims: Claims, issuer: Issuer) -> tuple[str, ...]:
    """Return the groups that the claim grants, behind none; else those that every agent of the issuer has."""
    given = _value(claims, issuer.groups) if issuer.groups else None
    listed = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    values = [each for each in listed if isinstance(each, str) and each]
    if len(values) > _MOST_GROUPS:
        raise Unauthenticated(f"token: over {_MOST_GROUPS} groups")
    if issuer.grants:
        found = [group for value in values for group in issuer.grants.get(value, ())]
    else:
        found = [_checked(value, "groups") for value in values]
    return tuple(dict.fromkeys(found)) or issuer.default_groups


def check_required(claims: Claims, issuer: Issuer) -> None:
    """Raise Unauthenticated unless every claim is what the settings require."""
    for claim, expected in issuer.require.items():
        wanted = (expected,) if isinstance(expected, str) else expected
        value = _value(claims, claim)
        if not any(each in wanted for each in (value if isinstance(value, list) else [value])):
            raise Unauthenticated(f"token: the claim {claim} is not what this gateway requires")


def _name(claims: Claims, claim: str, what: str) -> str:
    if not (found := _optional(claims, claim, what)):
        raise Unauthenticated(f"token: no claim {claim}, which says {what}")
    return found


def _optional(claims: Claims, claim: str, what: str) -> str:
    value = _value(claims, claim)
    return _checked(value, what) if isinstance(value, str) and value else ""


def _checked(value: str, what: str) -> str:
    name = unicodedata.normalize("NFC", value)  # one person, one spelling
    if len(name) > _NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise Unauthenticated(f"token: {what}: expected at most {_NAME_CHARACTERS} printable characters")
    return name


def _value(claims: Claims, claim: str) -> Any:
    """Return the value of a claim: by name, by JSON pointer (RFC 6901), or the text behind `=`."""
    if claim.startswith("="):
        return claim[1:]
    if not claim.startswith("/"):
        return claims.get(claim)
    found: Any = claims
    for step in claim[1:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found
