"""Another provider is asked only after an answer that served nothing, about what that provider can answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.exchange.fallback import Fallback
from gateway.upstream import Transport, Upstream
from gateway.words import Agent, KeyScope, Prompt


class Configured:
    """Stands for the configured providers, of which one lost its credential."""

    disabled = {"unset": "its credential is not set"}  # noqa: RUF012 - never changed


@pytest.mark.parametrize(
    ("status", "changes", "follows"),
    [
        (None, {}, True),
        (429, {}, True),
        (503, {}, True),
        (500, {}, False),
        (200, {}, False),
        (None, {"prompt": Prompt(unseen=("previous_response",))}, False),
        (None, {"dialect": "openai.files"}, False),
        (None, {"headers": {"content-type": "multipart/form-data; boundary=x"}}, False),
    ],
)
def test_another_provider_is_asked_where_nothing_was_served(
    new_exchange: Any, status: int | None, changes: dict[str, Any], follows: bool
) -> None:
    asked = new_exchange()
    upstream = Upstream("a", "openai", cast(Transport, None), None, fallback=("unset", "b"))
    asked.received = replace(asked.received, **{"dialect": "openai.chat", "upstream": upstream, **changes})
    unused: Any = None
    assert Fallback(cast(Any, Configured()), unused, unused, unused, unused).follows(asked, status) is follows
    if follows:
        assert asked.fallbacks == ["b"]


def test_no_provider_is_asked_that_the_key_is_not_for(new_exchange: Any) -> None:
    """A fallback is no way around the key's scope."""
    asked, unused = new_exchange(), cast(Any, None)
    upstream = Upstream("a", "openai", cast(Transport, None), None, fallback=("b", "c"))
    asked.received = replace(asked.received, dialect="openai.chat", upstream=upstream)
    asked.agent = Agent("bot", "ana", "api_key", scope=KeyScope(providers=("a", "c")))
    assert Fallback(cast(Any, Configured()), unused, unused, unused, unused).follows(asked)
    assert asked.fallbacks == ["c"]
