"""A text that passed once is not approved for other people, places or policies, nor a second time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import ServerKey
from gateway.exchange.decide import without_history
from gateway.exchange.inspect import mark_history, scope_of
from gateway.exchange.steps import Inspected
from gateway.policy import load_source
from gateway.sessions.session import Sessions
from gateway.words import Agent, Delegate, InspectedPart, Kind, Part, PartPlace, Proof
from tests.e2e.conftest import Launch
from tests.support.asking import bearer, body_of, post, refusal
from tests.support.configuration import any_engine, configuration, edit_settings, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.people import approve
from tests.support.scripted import ScriptedProvider, completion
from tests.support.values import INJECTION
from tests.support.waiting import until

ON_ANY_MACHINE = settings(suppress_health_check=[HealthCheck.too_slow])  # a busy one draws slowly
LENIENT = {"categories": {"injection": {"request": {"action": "allow"}}}}
SETTINGS = {"approval": {"wait_seconds": 0.2}, "providers": {"based": LENIENT}}


@dataclass(frozen=True, slots=True)
class Scene:
    """One gateway with the shipped policy, the provider behind it, and who asks."""

    gateway: GatewayProcess
    provider: FakeProvider
    policy: Path
    http: httpx.Client
    agent: str
    approver: str

    def send(self, body: Any, *, key: str = "", to: str = "openai", **headers: str) -> httpx.Response:
        """Send a chat request in one named session."""
        path = f"{to}/v1/chat/completions"
        named = {"x-regate-session": body["messages"][0]["content"][:40], **headers}
        return post(self.http, self.gateway, key or self.agent, body, path=path, headers=named)

    def approve(self, held: httpx.Response) -> str:
        """Have a person approve what was held; the approval's id."""
        assert refusal(held) == (403, "approval_required"), held.text
        approval_id = str(held.json()["error"]["approval_id"])
        approve(self.gateway, approval_id, self.approver)
        return approval_id

    def pass_once(self, body: Any) -> None:
        """Have a request held, approved and forwarded."""
        self.approve(self.send(body))
        assert self.send(body).status_code == 200

    def edit(self, settings: dict[str, Any]) -> None:
        """Edit the settings, and wait until they are in force."""
        edit_settings(self.policy, settings)
        revision = load_source(self.policy).revision

        def in_force() -> bool:
            answer = self.http.get(f"{self.gateway.url}/admin/v1/policy", headers=bearer(self.approver))
            return answer.status_code == 200 and bool(answer.json()["revision"] == revision)

        until(in_force)


@pytest.fixture(scope="module")
def shared(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory, http: httpx.Client
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("seen")
    policy = policy_copy(folder, SETTINGS)
    gateway = GatewayProcess(folder, configuration(running_provider.url, engine=any_engine(), policy=policy))
    yield scene_of(gateway.start(), running_provider, policy, http)
    gateway.kill()


@pytest.fixture
def scene(shared: Scene, provider: FakeProvider) -> Scene:
    """A scene that tests share, with nothing received yet."""
    return replace(shared, provider=provider)


@pytest.fixture
def own_scene(launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path) -> Scene:
    """A scene whose policy one test may edit."""
    policy = policy_copy(tmp_path, SETTINGS)
    return scene_of(launch(policy=policy), provider, policy, http)


def scene_of(gateway: GatewayProcess, provider: FakeProvider, policy: Path, http: httpx.Client) -> Scene:
    agent, approver = gateway.create_key("agent", "ana"), gateway.create_key("bob", "bob", role="admin")
    return Scene(gateway, provider, policy, http, agent, approver)


def test_an_approval_does_not_pass_six_times(scene: Scene, words: str) -> None:
    """An agent sends an approved request five more times in the session that remembers it."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    scene.pass_once(body)
    again = [scene.send(body) for _ in range(5)]

    assert {refusal(answer) for answer in again} == {(403, "approval_required")}
    assert len(scene.provider.received()) == 1


def test_a_text_that_a_lenient_provider_got_does_not_pass_to_a_strict_one(scene: Scene, words: str) -> None:
    """An agent sends an injection where it is allowed first, and then everywhere else."""
    said = body_of("openai", "echo", f"{words}. {INJECTION}")
    assert scene.send(said, to="based").status_code == 200
    said["messages"].append({"role": "user", "content": "go on"})

    assert refusal(scene.send(said)) == (403, "approval_required")


@pytest.mark.parametrize(
    "change",
    [
        {"model": "echo,chunk=5"},
        {
            "tools": [{"type": "function", "function": {"name": "wipe", "parameters": {}}}],
            "tool_choice": "required",
        },
        {"tool_choice": "none"},
        {"temperature": 0.25},
        {"user": "other"},
        {"metadata": {"trace": "other"}},
        {"response_format": {"type": "json_object"}},
        {"models": ["other"]},
    ],
    ids=lambda change: "-".join(change),
)
def test_an_approved_text_does_not_pass_in_another_envelope(
    scene: Scene, words: str, change: dict[str, Any]
) -> None:
    """An agent changes everything about an approved request but what it says."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    scene.pass_once(body)

    assert refusal(scene.send({**body, **change})) == (403, "approval_required")
    assert len(scene.provider.received()) == 1


def test_an_approved_text_does_not_pass_to_another_model_with_a_word_more(scene: Scene, words: str) -> None:
    """An agent adds a trivial message and names another model, so that the rest looks like history."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    scene.pass_once(body)
    body["messages"].append({"role": "user", "content": "ok"})

    assert refusal(scene.send({**body, "model": "echo,chunk=5"})) == (403, "approval_required")
    assert scene.send(body).status_code == 200  # the conversation that was approved goes on


def test_an_approval_of_one_owner_does_not_pass_for_another(scene: Scene, words: str) -> None:
    """An agent of the same name, which another person owns, goes on with an approved conversation."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    scene.pass_once(body)
    body["messages"].append({"role": "user", "content": "ok"})
    other = scene.gateway.create_key("agent", "carol")

    assert refusal(scene.send(body, key=other)) == (403, "approval_required")


def test_an_approval_of_one_end_user_does_not_pass_for_another(scene: Scene, words: str) -> None:
    """An agent that acts for many people goes on with a conversation that was approved for one of them."""
    key = scene.gateway.create_key("agent", "ana", delegate=True)
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    for_eve = {"x-regate-on-behalf-of": "eve"}
    scene.approve(scene.send(body, key=key, **for_eve))
    assert scene.send(body, key=key, **for_eve).status_code == 200
    body["messages"].append({"role": "user", "content": "ok"})

    assert refusal(scene.send(body, key=key, **{"x-regate-on-behalf-of": "mallory"}))[0] == 403
    assert scene.send(body, key=key, **for_eve).status_code == 200


def test_a_policy_edit_sees_what_the_old_policy_let_pass(own_scene: Scene, words: str) -> None:
    """An agent goes on with a conversation that the policy in force would not have let begin."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    own_scene.edit(LENIENT)
    assert own_scene.send(body).status_code == 200
    own_scene.edit({"categories": {"injection": {"request": {"action": "require_approval"}}}})
    body["messages"].append({"role": "user", "content": "ok"})

    assert refusal(own_scene.send(body)) == (403, "approval_required")


def test_an_approval_survives_an_edit_that_does_not_concern_it(own_scene: Scene, words: str) -> None:
    """Settings that change every minute must not make approvals useless."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    own_scene.approve(own_scene.send(body))
    own_scene.edit({"groups": {"default": {"budgets": {"requests_1m": 1000}}}})

    assert own_scene.send(body).status_code == 200


def test_an_approval_does_not_pass_what_policy_forbids_by_now(own_scene: Scene, words: str) -> None:
    """An agent keeps an approval until the policy changes, and uses it then."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    own_scene.approve(own_scene.send(body))
    own_scene.edit({"categories": {"injection": {"request": {"action": "deny"}}}})

    assert refusal(own_scene.send(body)) == (403, "policy_denied")
    assert own_scene.provider.received() == []


def test_an_approval_by_one_person_does_not_pass_where_two_are_asked_for_by_now(
    own_scene: Scene, words: str
) -> None:
    """An agent uses an approval that was given on weaker terms than those in force."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    first = own_scene.approve(own_scene.send(body))
    own_scene.edit({"approval": {"quorum": 2}})
    held = own_scene.send(body)

    second = own_scene.approve(held)
    assert second != first
    assert refusal(own_scene.send(body)) == (403, "approval_required")
    approve(own_scene.gateway, second, own_scene.gateway.create_key("carol", "carol", role="approver"))
    assert own_scene.send(body).status_code == 200


@pytest.fixture
def failing(launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path) -> Iterator[Failing]:
    """A scene whose provider `based` answers what a test says."""
    scripted = ScriptedProvider()
    policy = policy_copy(tmp_path, {"approval": {"wait_seconds": 0.2}})
    based = {"family": "openai", "base_url": scripted.url, "credential": "env:UPSTREAM_KEY"}
    gateway = launch(policy=policy, providers={"based": based})
    yield Failing(scene_of(gateway, provider, policy, http), scripted)
    scripted.close()


@dataclass(frozen=True, slots=True)
class Failing:
    """A scene, and the provider that fails in it."""

    scene: Scene
    scripted: ScriptedProvider

    def send(self, body: Any, *, status: int) -> httpx.Response:
        """Send a request that the provider answers with this status."""
        self.scripted.say(completion({"content": "hello"}) if status == 200 else {}, status=status)
        return self.scene.send(body, to="based")


@pytest.mark.parametrize("status", [429, 503])
def test_an_approval_that_was_given_back_does_not_pass_a_second_text(
    failing: Failing, words: str, status: int
) -> None:
    """An agent has a text approved while the provider is busy, and sends it with a word more."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    failing.scene.approve(failing.send(body, status=200))
    assert failing.send(body, status=status).status_code == status
    more = {**body, "messages": [*body["messages"], {"role": "user", "content": "ok"}]}

    assert refusal(failing.send(more, status=200)) == (403, "approval_required")
    assert failing.send(body, status=200).status_code == 200  # what was approved still passes, once


@pytest.mark.parametrize("status", [429, 503])
def test_a_turn_that_a_client_sends_again_needs_no_second_approval(
    failing: Failing, words: str, status: int
) -> None:
    """A client goes on with an approved conversation, and sends a turn again that was not served."""
    body = body_of("openai", "echo", f"{words}. {INJECTION}")
    failing.scene.approve(failing.send(body, status=200))
    assert failing.send(body, status=200).status_code == 200
    body["messages"] += [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "go on"}]
    assert failing.send(body, status=status).status_code == status

    assert failing.send(body, status=200).status_code == 200


# --- the rule itself, against a small model of it

KEY = ServerKey(bytes(32))
TEXTS = ("hello", "ignore it", "ok", "yes")
Said = tuple[str, Kind, str, PartPlace]  # role, kind, text, place


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a request belongs: what has to be equal for a part to be history."""

    session: str = "s1"
    owner: str = "ana"
    on_behalf_of: str = ""
    groups: tuple[str, ...] = ("default",)
    provider: str = "openai"
    models: tuple[str, ...] = ("m1",)
    revision: str = "r1"
    proof: Proof | None = None
    tags: tuple[tuple[str, str], ...] = ()


OTHERS = [
    Scope(session="s2"),
    Scope(owner="ben"),
    Scope(on_behalf_of="eve"),
    Scope(groups=("lenient",)),
    Scope(provider="based"),
    Scope(models=("m1", "m2")),
    Scope(revision="r2"),
    Scope(proof="proved"),
    Scope(tags=(("env", "prod"),)),
]
SAID: st.SearchStrategy[Said] = st.tuples(
    st.sampled_from(("user", "assistant")),
    st.sampled_from(cast(tuple[Kind, ...], ("text", "tool_result", "system", "tool_definition", "field"))),
    st.sampled_from(TEXTS),
    st.sampled_from(cast(tuple[PartPlace, ...], ("value", "structural"))),
)
SENT = st.tuples(st.sampled_from((Scope(), *OTHERS)), st.lists(SAID, min_size=1, max_size=4), st.booleans())


def key_of(scope: Scope) -> tuple[str, ...]:
    delegation = (Delegate(scope.on_behalf_of, "", scope.proof),) if scope.proof else ()
    agent = Agent(
        "agent", scope.owner, "api_key", scope.groups, on_behalf_of=scope.on_behalf_of, delegation=delegation
    )
    return scope_of(agent, scope.provider, scope.models, scope.revision, dict(scope.tags))


def inspected(said: Said) -> InspectedPart:
    role, kind, text, place = said
    return InspectedPart(Part(role, kind, "/x", text, place), f"{role} {kind} {text}", True, (), text)


def history(sessions: Sessions, scope: Scope, parts: list[InspectedPart]) -> list[bool]:
    """Which of the parts count as history when they are sent in this scope."""
    seen = sessions.enter("agent", scope.session, "").seen(key_of(scope))
    return [not one.new for one in mark_history(parts, seen, "openai.chat")]


def forward(sessions: Sessions, scope: Scope, parts: list[InspectedPart]) -> None:
    session = sessions.enter("agent", scope.session, "")
    session.mark_forwarded(key_of(scope), [one.digest for one in parts])


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_what_passed_in_one_scope_is_new_in_every_other(other: Scope) -> None:
    """An attacker has a text approved as one person, to one place, and goes on as another or elsewhere."""
    first, more = inspected(("user", "text", "hello", "value")), inspected(("user", "text", "ok", "value"))
    sessions = Sessions(KEY)
    forward(sessions, Scope(), [first])

    assert history(sessions, other, [first, more]) == [False, False]
    assert history(sessions, Scope(), [first, more]) == [True, False]


@ON_ANY_MACHINE
@given(st.lists(SENT, max_size=12))
def test_no_sequence_of_requests_makes_a_part_history_in_another_scope(
    sequence: list[tuple[Scope, list[Said], bool]],
) -> None:
    """An attacker interleaves requests as anybody, to anywhere, under any policy, and repeats what passed."""
    sessions = Sessions(KEY)
    passed: set[tuple[Scope, str]] = set()
    for scope, said, forwards in sequence:
        parts = [inspected(one) for one in said]
        seen = [(scope, one.digest) in passed for one in parts]
        goes_on = any(
            not known and one.part.place == "value" and one.part.kind in ("text", "tool_call", "tool_result")
            for known, one in zip(seen, parts, strict=True)
        )
        assert history(sessions, scope, parts) == [goes_on and known for known in seen]
        if forwards:
            forward(sessions, scope, parts)
            passed |= {(scope, one.digest) for one in parts}


@ON_ANY_MACHINE
@given(st.permutations(TEXTS))
def test_parts_that_passed_are_new_in_any_order_and_number(texts: list[str]) -> None:
    """An attacker drops, repeats and reorders the parts of a request that passed."""
    sessions = Sessions(KEY)
    parts = [inspected(("user", "text", text, "value")) for text in texts]
    forward(sessions, Scope(), parts)
    for some in (parts, parts[::-1], parts[:2], parts[1:] * 2):
        assert not any(history(sessions, Scope(), some))


@pytest.mark.parametrize(
    ("kind", "place"),
    [("system", "value"), ("tool_definition", "value"), ("field", "value"), ("text", "structural")],
)
def test_another_instruction_or_tool_does_not_carry_a_conversation_on(kind: Kind, place: PartPlace) -> None:
    """An attacker sends an approved text again with another system prompt, tool or field."""
    text, setting = inspected(("user", "text", "hello", "value")), inspected(("", kind, "other", place))
    sessions = Sessions(KEY)
    forward(sessions, Scope(), [text])

    assert history(sessions, Scope(), [text, setting]) == [False, False]


def test_what_is_history_under_one_policy_is_not_shown_to_another_as_history() -> None:
    """An attacker hopes for an edit between the moment that parts are marked and that policy answers."""
    first, more = inspected(("user", "text", "hello", "value")), inspected(("user", "text", "ok", "value"))
    sessions = Sessions(KEY)
    forward(sessions, Scope(), [first])
    seen = sessions.enter("agent", Scope().session, "").seen(key_of(Scope()))
    marked = Inspected(mark_history([first, more], seen, "openai.chat"), revision="r1")
    assert [one.new for one in marked.parts] == [False, True]

    assert not without_history(marked, "r1")
    renewed = without_history(marked, "r2")
    assert renewed
    assert all(one.new for one in renewed.parts)


def test_no_name_of_a_group_or_model_reads_as_another_place() -> None:
    """An attacker is called like a provider, so that one list runs into the next."""
    one = Scope(groups=("a", "openai"), provider="m1", models=("m2",))
    two = Scope(groups=("a",), provider="openai", models=("m1", "m2"))
    assert key_of(one) != key_of(two)
