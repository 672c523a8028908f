"""What a key is good for."""

from __future__ import annotations

import pytest

from gateway.errors import OutOfScope
from gateway.identity.scopes import check_limits, check_source, check_use
from gateway.words import KeyScope, Used


def test_a_key_without_a_scope_is_good_for_all() -> None:
    check_source(KeyScope(), "")
    check_use(KeyScope(), "openai", "/v1/x", ("m",))
    check_limits(KeyScope(), {})


@pytest.mark.parametrize("ip", ["11.0.0.1", "::1", "", "unix"])
def test_a_key_is_for_its_networks(ip: str) -> None:
    scope = KeyScope(networks=("10.0.0.0/8", "2001:db8::/32"))
    check_source(scope, "10.9.9.9")
    check_source(scope, "2001:db8::7")
    with pytest.raises(OutOfScope, match="address"):
        check_source(scope, ip)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("azure", "/v1/chat", ("m-1",)), "provider"),
        (("openai", "/v1/files", ("m-1",)), "path"),
        (("openai", "/v1/chat", ("m-1", "other")), "model"),  # each that the request can reach
    ],
)
def test_a_key_is_for_what_it_names(asked: tuple[str, str, tuple[str, ...]], said: str) -> None:
    scope = KeyScope(("openai",), ("m-*",), ("/v1/chat*",))
    check_use(scope, "openai", "/v1/chat/completions", ("m-1", "m-2"))
    with pytest.raises(OutOfScope, match=f"for this {said}"):
        check_use(scope, *asked)


def test_a_limit_counts_this_request_and_says_when_to_ask_again() -> None:
    scope = KeyScope(limits={"requests_1m": 2, "tokens_day": 100})
    check_limits(scope, {"1m": Used(2), "day": Used(9, 100)})
    with pytest.raises(OutOfScope, match="requests_1m is 2") as refused:
        check_limits(scope, {"1m": Used(3, turns_in=17), "day": Used()})
    assert refused.value.headers["retry-after"] == "17"
    with pytest.raises(OutOfScope, match="tokens_day is 100"):
        check_limits(scope, {"day": Used(1, 101)})
