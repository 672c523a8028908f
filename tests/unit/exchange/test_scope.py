"""A request stays within what its key is good for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import OutOfScope
from gateway.exchange.scope import check_reach
from gateway.words import Agent, KeyScope, Prompt
from tests.unit.exchange.conftest import NewExchange


@pytest.mark.parametrize(
    ("dialect", "prompt", "passes"),
    [
        ("openai.chat", Prompt(model="m-1", models=("m-1",)), True),
        ("openai.chat", Prompt(model="m-1", models=("m-1", "other")), False),
        ("openai.chat", Prompt(), False),  # its provider chooses
        ("openai.responses", Prompt(model="m-1", models=("m-1",), unseen=("prompt.id",)), False),
        ("opaque", Prompt(), False),
        ("openai.files", Prompt(), True),  # asks no model
    ],
)
def test_a_model_that_a_request_leaves_open_is_none_of_the_keys(
    new_exchange: NewExchange, dialect: str, prompt: Prompt, passes: bool
) -> None:
    exchange = new_exchange()
    exchange.agent = Agent("bot", "ana", "api_key", scope=KeyScope(models=("m-*",)))
    exchange.received = replace(exchange.received, dialect=dialect, prompt=prompt, unmasked=b"{}")
    if passes:
        check_reach(exchange)
        return
    with pytest.raises(OutOfScope, match="model"):
        check_reach(exchange)
