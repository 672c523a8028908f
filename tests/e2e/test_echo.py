"""Every kind of value in every position of a prompt: no provider sees one, all come back byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider, Received
from tests.support.gateway import GatewayProcess
from tests.support.saying import transcript
from tests.support.sdk import EACH_FORM, Ask, Sdk, body_for
from tests.support.values import API_KEY, CARD, EMAIL, OTHER_API_KEY, OTHER_EMAIL, PEM, PHONE, PLAIN_CARD, SSN

RANDOM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1z"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
# What is said, and what of it nobody else may see. Every entity that is on by default is there.
SAID = {
    "EMAIL_ADDRESS": (f"write to {EMAIL} or <{OTHER_EMAIL}>.", (EMAIL, OTHER_EMAIL)),
    "PHONE_NUMBER": (f"call {PHONE} now", (PHONE,)),
    "CREDIT_CARD": (f"pay with {CARD}, or {PLAIN_CARD}", (CARD, PLAIN_CARD)),
    "IBAN_CODE": ("to DE89 3704 0044 0532 0130 00!", ("0044 0532",)),
    "US_SSN": (f"ssn ({SSN})", (SSN,)),
    "US_ITIN": ("itin 912-70-1234", ("912-70-1234",)),
    "US_PASSPORT": ("passport 912345678", ("912345678",)),
    "UK_NINO": ("nino AB 12 34 56 C", ("12 34 56",)),
    "IP_ADDRESS": ("from 203.0.113.77 and 2001:db8:85a3::8a2e:370:7334", ("203.0.113.77", "8a2e:370")),
    "CRYPTO": ("coins: 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", ("1BoatSLRHt",)),
    "API_KEY": (f"keys {API_KEY}, {OTHER_API_KEY}; sk-ant-api03-{RANDOM}", (API_KEY, OTHER_API_KEY, RANDOM)),
    "JWT": (f"Authorization: {JWT}", (JWT.rpartition(".")[2],)),
    "CONNECTION_STRING": (
        "postgres://admin:s3cr3t-pw@db.acme.org:5432/prod "
        "and Server=db1;User Id=sa;Password='Corr3ct \"horse\\' \\ it is",
        ("s3cr3t-pw", "Corr3ct", "horse"),
    ),
    "PASSWORD": ("password: tr0ub4dor&3x", ("tr0ub4dor",)),
    "PRIVATE_KEY": (f"the key:\n{PEM}\n(keep it)", (PEM, "MIIEowIBAAKCAQEA")),
}
TEXTS = [text for text, _ in SAID.values()]
TEXT = "Ünï \U0001f600 <a & b> \\n:\n" + "\n".join(f"- {text}" for text in TEXTS)
NESTED = {
    "named": {f"line {'abcdefghijklmnop'[at]}": text for at, text in enumerate(TEXTS)},
    "deep": [[{"list": [*TEXTS, None, 1.5, True]}]],
    "inner": json.dumps({"x": TEXTS}),
}
EVERYWHERE = Ask(
    system=f"You are careful.\n{TEXT}",
    user=f"Please note:\n{TEXT}",
    assistant=f"So far I have\n{TEXT}",
    call=NESTED,
    result=json.dumps({"found": NESTED, "again": json.dumps([NESTED], indent=1)}, ensure_ascii=False),
    tools=("send_note",),
)


@pytest.fixture(scope="module")
def echoing(
    running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway whose policy lets private keys through, masked, and gives secrets back to the tool."""
    folder = tmp_path_factory.mktemp("echoing")
    mask = {"action": "mask", "operator": "placeholder", "restore": True}
    settings = {"entities": {"PRIVATE_KEY": {"request": mask}}, "restore_tools": ["send_note"]}
    policy = policy_copy(folder, settings)
    config = configuration(running_provider.url, engine=any_engine(), policy=policy)
    process = GatewayProcess(folder, config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def key(echoing: GatewayProcess) -> str:
    return echoing.create_key("agent-one", "ana")


def assert_clean(received: Received) -> None:
    everything = received.everything()
    assert [one for _, values in SAID.values() for one in values if one in everything] == []


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_every_value_in_every_position_comes_back_and_was_never_there(
    echoing: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(echoing.url, key, "echo,chunk=1", EVERYWHERE)

    assert_clean(provider.only())
    told = transcript(body_for(sdk.family, "echo", EVERYWHERE))
    assert told.count(EMAIL) == 12
    assert heard.text == told


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_every_value_comes_back_in_the_arguments_of_a_tool_call(
    echoing: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(echoing.url, key, "echo-call,chunk=1,cut=997", EVERYWHERE)

    assert_clean(provider.only())
    told = transcript(body_for(sdk.family, "echo", EVERYWHERE))
    [(name, arguments)] = heard.calls
    assert name == "send_note"
    assert arguments["text"] == told
    assert arguments["nested"]["list"] == [told, 1]
