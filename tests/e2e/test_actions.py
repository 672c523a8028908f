"""Allow, mask and deny, in both phases, whole and streamed. (Holding has its own files.)"""

from __future__ import annotations

import httpx
import pytest

from tests.support.asking import Family, body_of, events, post, refusal, streamed_text
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.sdk import EACH_FORM, FAILED, REFUSED, SDKS, Ask, Sdk, error_of
from tests.support.values import EMAIL, MODEL_CARD, MODEL_EMAIL, MODEL_SECRET, PEM

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_an_ordinary_prompt_passes_unchanged(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk, words: str
) -> None:
    heard = await sdk.ask(gateway.url, key, "echo", Ask(user=words))

    assert heard.text == words
    assert provider.only().json()["messages"][0]["content"] == words


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
def test_every_answer_says_how_it_was_decided(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
    words: str,
) -> None:
    plain = post(http, gateway, key, body_of(family, "echo", words, stream=stream), family=family)
    masked = post(http, gateway, key, body_of(family, "echo", words + EMAIL, stream=stream), family=family)

    assert plain.headers["x-regate-action"] == "allow"
    assert masked.headers["x-regate-action"] == "mask"
    for name in ("x-regate-decision-id", "x-regate-session-id", "x-regate-exchange-id"):
        assert len(plain.headers[name]) > 8
    [row] = gateway.await_rows(
        "SELECT * FROM decisions WHERE decision_id = ?", masked.headers["x-regate-decision-id"]
    )
    assert row["action"] == "mask"
    assert row["exchange_id"] == masked.headers["x-regate-exchange-id"]
    assert gateway.closing(masked.headers["x-regate-exchange-id"])["status"] == 200


@pytest.mark.parametrize("sdk", SDKS, ids=str)
async def test_a_private_key_is_denied_and_the_sdk_does_not_try_again(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    with pytest.raises(REFUSED) as caught:
        await sdk.ask(gateway.url, key, "echo", Ask(user=f"keep this: {PEM}"))

    error = error_of(caught.value)
    assert (caught.value.status_code, error["code"]) == (403, "policy_denied")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert error["decision_id"] == caught.value.response.headers["x-regate-decision-id"]
    assert [reason["rule"] for reason in error["reasons"]] == ["secret.deny"]
    assert "MIIEow" not in caught.value.response.text
    assert provider.received() == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_denial_has_the_shape_of_the_dialect_and_is_on_record(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    answer = post(http, governed, keys.agents["denies"], body_of(family, "echo", EMAIL), family=family)

    document = answer.json()
    if family == "anthropic":
        assert document["type"] == "error"
        assert document["error"]["type"] == "permission_error"
    else:
        assert document["error"]["param"] is None
    assert refusal(answer) == (403, "policy_denied")
    record = governed.closing(answer.headers["x-regate-exchange-id"])
    assert (record["kind"], record["status"], record["code"]) == ("refusal", 403, "policy_denied")
    assert provider.received() == []


@pytest.mark.parametrize(
    ("group", "rule"), [("one-model", "access.model"), ("one-provider", "access.provider")]
)
def test_a_model_or_provider_off_the_groups_list_is_denied(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, group: str, rule: str
) -> None:
    answer = post(http, governed, keys.agents[group], body_of("openai", "echo", "hello"))

    assert refusal(answer) == (403, "policy_denied")
    assert rule in {reason["rule"] for reason in answer.json()["error"]["reasons"]}
    assert provider.received() == []


def test_a_model_on_the_groups_list_passes(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client
) -> None:
    answer = post(http, governed, keys.agents["one-model"], body_of("openai", "permitted-model", "hello"))

    assert answer.status_code == 200


@pytest.mark.parametrize("model", ["new-pii,chunk=1", "new-pii,chunk=9", "new-pii,chunk=900"])
@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_card_that_the_model_brings_is_redacted_and_an_address_is_not(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk, model: str
) -> None:
    heard = await sdk.ask(gateway.url, key, model, Ask(user="whom do I ask?"))

    assert heard.text == f"Ask {MODEL_EMAIL} , and pay with <REDACTED_CREDIT_CARD> today."


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_secret_that_the_model_brings_is_redacted(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(gateway.url, key, "new-secret,chunk=2", Ask(user="which token?"))

    assert MODEL_SECRET not in heard.text
    assert heard.text == "The token is <REDACTED_API_KEY> , keep it."


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_what_the_model_writes_into_a_tool_call_arrives_as_it_wrote_it(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(gateway.url, key, "pii-call", Ask(tools=("send_note",)))

    [(name, arguments)] = heard.calls
    assert name == "send_note"
    assert arguments == {"to": MODEL_EMAIL, "card": MODEL_CARD}


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_refusals_and_parallel_calls_of_the_model_come_through(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk, words: str
) -> None:
    refused = await sdk.ask(gateway.url, key, "refusal", Ask(user=words))
    called = await sdk.ask(gateway.url, key, "calls", Ask(user=words, tools=("one", "two", "three")))

    assert refused.text == "I cannot help with that."
    assert [name for name, _ in called.calls] == ["one", "two", "three"]
    assert called.finish in ("tool_calls", "tool_use")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_denied_completion_is_a_403_when_whole(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    answer = post(http, governed, keys.agents["denies"], body_of(family, "new-pii", "whom?"), family=family)

    assert refusal(answer) == (403, "policy_denied")
    assert MODEL_EMAIL not in answer.text
    assert MODEL_CARD not in answer.text
    assert len(provider.received()) == 1
    rows = governed.await_rows(
        "SELECT phase, action FROM decisions WHERE exchange_id = ? ORDER BY seq",
        answer.headers["x-regate-exchange-id"],
    )
    assert [(row["phase"], row["action"]) for row in rows] == [("request", "allow"), ("response", "deny")]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stream_that_is_denied_before_its_first_byte_has_the_true_status(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    body = body_of(family, "echo-call", "hello", stream=True)
    key = keys.agents["no-answers"]
    answer = post(http, governed, key, body, family=family)

    if answer.status_code == 200:  # Anthropic's message_start goes out before the call is complete
        assert events(answer.text)[-1]["error"]["code"] == "policy_denied"
    else:
        assert refusal(answer) == (403, "policy_denied")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_denial_in_mid_stream_is_the_error_event_and_the_end(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    body = body_of(family, "long-then-pii", "tell me", stream=True)
    answer = post(http, governed, keys.agents["denies"], body, family=family)

    assert answer.status_code == 200
    made = events(answer.text)
    assert streamed_text(answer.text).startswith("word " * 300)
    assert made[-1]["error"]["code"] == "policy_denied"
    assert made[-1]["error"]["decision_id"]
    assert made[-1]["error"]["reasons"]
    assert MODEL_EMAIL not in answer.text
    assert "follows" not in answer.text
    if family == "anthropic":
        assert "event: error\n" in answer.text
    record = governed.closing(answer.headers["x-regate-exchange-id"])
    assert record["code"] == "policy_denied"


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk.stream], ids=str)
async def test_an_sdk_raises_on_a_denial_in_mid_stream(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk
) -> None:
    with pytest.raises(FAILED) as caught:
        await sdk.ask(governed.url, keys.agents["denies"], "long-then-pii", Ask(user="tell me"))

    assert error_of(caught.value)["code"] == "policy_denied"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
def test_policy_that_asks_about_every_completion_sees_it_whole(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
    words: str,
) -> None:
    body = body_of(family, "echo,chunk=2", words, stream=stream)
    answer = post(http, governed, keys.agents["always"], body, family=family)

    assert answer.status_code == 200
    rows = governed.await_rows(
        "SELECT phase, body FROM decisions WHERE exchange_id = ? AND phase = 'response'",
        answer.headers["x-regate-exchange-id"],
    )
    assert len(rows) == 1
    assert words in rows[0]["body"]
    if stream:
        assert streamed_text(answer.text) == words


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_masks_hold_in_a_completion_that_was_judged_whole(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(governed.url, keys.agents["always"], "new-pii,chunk=1", Ask(user=f"hi {EMAIL}"))

    assert MODEL_CARD not in heard.text
    assert "today." in heard.text
