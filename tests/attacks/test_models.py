"""No request reaches a model that is not on the list, in whichever words its router names one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dialects import read_prompt
from gateway.dialects.reading.models import named_models, reachable
from tests.support.asking import post, refusal
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess

ON_ANY_MACHINE = settings(suppress_health_check=[HealthCheck.too_slow])  # a busy one draws slowly
DIALECTS: tuple[str, ...] = ("openai.chat", "openai.responses", "anthropic.messages", "json")
SAID = {"messages": [{"role": "user", "content": "which model suits me?"}]}

# How a request names the model `far`, beside the one that is on the list.
NAMED: dict[str, dict[str, Any]] = {
    "OpenRouter: models": {"models": ["echo", "far"]},
    "OpenRouter: preset": {"preset": "far"},
    "OpenRouter: auto router": {"plugins": [{"id": "auto-router", "allowed_models": ["far"]}]},
    "OpenRouter: server tool": {"tools": [{"type": "openrouter:advisor", "parameters": {"model": "far"}}]},
    "LiteLLM: fallbacks": {"fallbacks": ["far"]},
    "LiteLLM: fallbacks by model": {"fallbacks": [{"echo": ["far"]}]},
    "LiteLLM: fallback with its own prompt": {"fallbacks": [{"model": "far", **SAID}]},
    "LiteLLM: fallbacks for long prompts": {"context_window_fallbacks": [{"echo": ["far"]}]},
    "LiteLLM: many at once": {"model": "echo,far"},
    "LiteLLM: router settings": {"router_settings": {"model_list": [{"model_name": "far"}]}},
    "Vercel": {"providerOptions": {"gateway": {"models": ["far"]}}},
    "fallback model": {"fallback_model": "far"},
    "fallback models": {"fallbackModels": ["far"]},
    "route": {"route": {"primary": {"model": "far"}}},
    "route by name": {"route": "far"},
    "advisor tool": {"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "far"}]},
    "image tool": {"tools": [{"type": "image_generation", "model": "far"}]},
    "deployment": {"deployment_id": "far"},
    "model as an object": {"models": {"far": {"weight": 1}}},
    "model id": {"modelId": "far"},
}


@pytest.fixture(scope="module")
def gateway(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("models")
    settings = {
        "groups": {"listed": {"models": ["echo*", "small"]}},
        "endpoints": {"dialects": ["openai.chat", "anthropic.messages", "json"]},
    }
    policy = policy_copy(folder, settings)
    process = GatewayProcess(folder, configuration(running_provider.url, engine=any_engine(), policy=policy))
    yield process.start()
    process.kill()


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana", group="listed")


PATHS = {
    "openai.chat": "openai/v1/chat/completions",
    "openai.responses": "openai/v1/responses",
    "anthropic.messages": "anthropic/v1/messages",
    "json": "openai/v1/batches",
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("extra", NAMED.values(), ids=NAMED)
def test_a_model_that_is_not_listed_is_not_reached_beside_a_listed_one(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    dialect: str,
    extra: dict[str, Any],
) -> None:
    """An agent names a listed model, and lets a router or a tool ask another one."""
    body = {"model": "echo", "max_tokens": 9, **SAID, **extra}
    answer = post(http, gateway, key, body, path=PATHS[dialect])

    assert refusal(answer) == (403, "policy_denied")
    assert "access.model" in {reason["rule"] for reason in answer.json()["error"]["reasons"]}
    assert provider.received() == []


@pytest.mark.parametrize(
    "path",
    [
        "openai/deployments/far/chat/completions",
        "openai/v1/engines/far/chat/completions",
        "openai/model/far/invoke",
    ],
)
def test_a_model_that_is_not_listed_is_not_reached_by_the_path(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client, path: str
) -> None:
    """An agent names a listed model in the body and another one in the path, where Azure looks."""
    assert refusal(post(http, gateway, key, {"model": "echo", **SAID}, path=path))[0] == 403
    assert provider.received() == []


def test_an_honest_request_with_every_model_listed_passes(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    """A list must not stand in the way of what is on it, nor of a tool that speaks of models."""
    cars = {
        "type": "object",
        "properties": {"model": {"type": "string", "enum": ["T"]}},
        "required": ["model"],
    }
    body = {
        "model": "echo",
        "models": ["echo", "small"],
        "route": "fallback",
        "provider": {"allow_fallbacks": False},
        "metadata": {"model": "T"},
        "tools": [{"type": "function", "function": {"name": "buy", "parameters": cars}}],
        **SAID,
    }
    answer = post(http, gateway, key, body)
    deployed = post(
        http, gateway, key, {**SAID, "model": "small"}, path="openai/deployments/echo/chat/completions"
    )

    assert answer.status_code == deployed.status_code == 200, answer.text
    [row, _] = gateway.await_rows(
        "SELECT body->'$.input.models' AS models FROM records WHERE kind = 'decision' AND phase = 'request' "
        "AND action <> 'deny' ORDER BY recorded_at",
        enough=lambda rows: len(rows) == 2,
    )
    assert json.loads(row["models"]) == ["echo", "small"]


# --- whatever stands around it

KEYS = st.text("abcdefgh_", min_size=1, max_size=8).filter(lambda key: key not in ("messages", "system"))
ENDINGS = st.sampled_from(("model", "models", "Model", "model_id", "modelName", "fallbacks", "deployment"))


@st.composite
def nested(draw: st.DrawFn) -> dict[str, Any]:
    """An object that names the model `far` under some key, at some depth, among other things."""
    prefix = draw(st.sampled_from(("", "x_", "judge-", "default")))
    value: Any = draw(st.sampled_from(("far", ["far"], ["near", "far"], {"far": ["near"]}, "near,far")))
    document: Any = {prefix + draw(ENDINGS): value}
    for _ in range(draw(st.integers(0, 4))):
        beside = draw(st.dictionaries(KEYS, st.integers() | st.text(max_size=3), max_size=2))
        document = {**beside, draw(KEYS): draw(st.sampled_from((document, [document], ["x", document])))}
    return cast(dict[str, Any], document)


@ON_ANY_MACHINE
@given(nested(), st.sampled_from(DIALECTS))
def test_no_nesting_hides_a_model(document: dict[str, Any], dialect: str) -> None:
    """An attacker wraps the name of a model in objects and lists that no router is known for yet."""
    body = {"max_tokens": 9, **SAID, "extra_body": document}
    assert "far" in reachable(read_prompt(dialect, body).models, "")


SPEECH = st.recursive(
    st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | ENDINGS, inner, max_size=3),
    max_leaves=6,
)


@ON_ANY_MACHINE
@given(SPEECH)
def test_what_is_said_names_no_model(said: Any) -> None:
    """A conversation about models must not be refused."""
    body = {"model": "m", "messages": said, "system": said, "metadata": said}
    schema = {"tools": [{"function": {"parameters": {"properties": said}}}]}
    assert named_models({**body, **schema}) == ("m",)


def test_the_prompt_of_a_fallback_names_no_model() -> None:
    """A fallback with a prompt of its own must not be refused for what the prompt says."""
    assert named_models({"model": "m", "fallbacks": [{"model": "n", **SAID}]}) == ("m", "n")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/openai/deployments/gpt-5/chat/completions", "gpt-5"),
        ("/v1beta/models/gemini-3:generateContent", "gemini-3"),
        ("/model/anthropic.claude-5-v1:0/invoke", "anthropic.claude-5-v1:0"),
        ("/v1/projects/p/publishers/anthropic/models/claude-5:rawPredict", "claude-5"),
    ],
)
def test_a_path_names_its_model(path: str, model: str) -> None:
    """A deployment in a path is reached whatever the body says."""
    assert reachable(["m"], path) == ("m", model)
