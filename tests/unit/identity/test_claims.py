"""From claims to the agent, as the issuer's settings map them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config import Issuer
from gateway.errors import Unauthenticated
from gateway.identity.claims import agent_of, check_required
from tests.support.tokens import AUDIENCE, ISSUER


def issuer(**changes: Any) -> Issuer:
    of: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "owner": "=ana"}
    return Issuer(**{**of, **changes})


def test_a_token_names_its_agent_as_the_settings_map_its_claims() -> None:
    mapped = issuer(
        agent="/kubernetes.io/serviceaccount/name",
        owner="/kubernetes.io/namespace",
        groups="teams",
        grants={"red": ("team-red", "default")},
        person="mail",
        claims=("env",),
    )
    account = {"namespace": "billing", "serviceaccount": {"name": "invoices"}}
    claims = {"iss": ISSUER, "sub": "bot", "kubernetes.io": account, "teams": ["red", "blue"], "env": "prod"}
    agent = agent_of({**claims, "mail": "eve@example.org"}, mapped, 4)
    assert (agent.id, agent.owner, agent.method) == ("invoices", "billing", "oidc")
    assert agent.groups == ("team-red", "default")
    assert agent.claims == {"iss": ISSUER, "sub": "bot", "env": "prod"}
    assert (agent.on_behalf_of, agent.delegated) == ("eve@example.org", "proved")
    with pytest.raises(Unauthenticated, match="which says owner"):
        agent_of({**claims, "kubernetes.io": {"serviceaccount": {"name": "a"}}}, mapped, 4)


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (["red", "blue", "red", 1, ""], ("red", "blue")),
        ("red", ("red",)),
        ([], ("default",)),
        ({"red": True}, ("default",)),
        (None, ("default",)),
    ],
)
def test_groups_are_the_claims_or_else_those_of_all(given: Any, groups: tuple[str, ...]) -> None:
    assert agent_of({"sub": "bot", "groups": given}, issuer(groups="groups"), 4).groups == groups


def test_a_value_that_grants_nothing_is_no_group() -> None:
    mapped = issuer(groups="groups", grants={"red": ("team-red",)})
    assert agent_of({"sub": "bot", "groups": ["admins"]}, mapped, 4).groups == ("default",)


def test_what_the_settings_require_of_claims_has_to_be_there() -> None:
    """Every repository of GitHub gets tokens of one issuer, for whatever audience it asks."""
    required = issuer(require={"repository_owner": "acme", "/event/name": ("push", "schedule")})
    check_required({"repository_owner": "acme", "event": {"name": "push"}}, required)
    for owner, event in (("evil", "push"), (None, "push"), (["evil"], "push"), ("acme", "pull_request")):
        with pytest.raises(Unauthenticated, match="requires"):
            check_required({"repository_owner": owner, "event": {"name": event}}, required)


def test_an_actor_calls_on_behalf_of_the_subject() -> None:
    """RFC 8693, 4.1: the outermost actor is the one who acts now."""
    chain = {"sub": "mail-bot", "act": {"sub": "planner", "act": {"sub": "front"}}}
    agent = agent_of({"sub": "alice", "act": chain}, issuer(), 4)
    assert (agent.id, agent.on_behalf_of, agent.delegated) == ("mail-bot", "alice", "proved")
    assert [each.name for each in agent.delegation] == ["alice", "front", "planner"]
