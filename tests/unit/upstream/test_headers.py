"""Headers go up but for those of the connection, of credentials and of callers; down come those on a list."""

import pytest

from gateway.upstream import down_headers, is_bound, is_credential, up_headers

CONNECTION = (
    "connection keep-alive host te trailer transfer-encoding upgrade expect range via accept-encoding"
)
MESSAGE = "content-length content-encoding content-digest if-none-match x-http-method-override x-original-url"
CREDENTIALS = """
    authorization proxy-authorization x-api-key api-key x-goog-api-key cookie x-auth-token x-portkey-api-key
    x-amz-security-token x-aws-secret x-custom-password helicone-auth x_api_key x-db-credentials client-key
"""
CALLER = """
    openai-organization openai-project forwarded x-forwarded-for x-real-ip from origin cf-connecting-ip
    sec-fetch-site x-regate-session
"""
STAY = f"{CONNECTION} {MESSAGE} {CREDENTIALS} {CALLER}".split()
_PASS = """
    accept anthropic-version anthropic-beta openai-beta idempotency-key x-idempotency-key traceparent
    tracestate x-stainless-lang x-stainless-retry-count http-referer referer x-title mcp-session-id
    mcp-protocol-version session_id x-app anthropic-dangerous-direct-browser-access prefer keyboard x-monkey
"""
PASS = _PASS.split()


def test_all_but_the_connections_and_the_callers_own_goes_up() -> None:
    assert up_headers(dict.fromkeys(STAY, "1")) == {}
    assert up_headers(dict.fromkeys(PASS, "1")) == dict.fromkeys(PASS, "1")
    assert up_headers({"X-Title": "My App"}) == {"x-title": "My App"}


def test_what_the_connection_names_is_the_connections() -> None:
    assert up_headers({"connection": "close, X-Hop", "x-hop": "1", "x-title": "t"}) == {"x-title": "t"}


def test_a_value_is_the_text_that_its_bytes_are() -> None:
    as_read = "Café".encode().decode("latin-1")
    assert up_headers({"x-title": as_read, "x-bytes": "\xe9", "x-control": "a\x01b"}) == {"x-title": "Café"}


@pytest.mark.parametrize("name", ["user-agent", "idempotency-key", "x-stainless-retry-count", "session_id"])
def test_what_differs_with_each_sending_is_bound_by_no_approval(name: str) -> None:
    assert not is_bound(name)


@pytest.mark.parametrize("name", ["accept", "content-type", "anthropic-beta", "x-route-to", "prefer"])
def test_what_may_change_the_request_is_bound(name: str) -> None:
    assert is_bound(name)


def test_a_credential_in_a_query_is_known_by_its_name() -> None:
    assert all(map(is_credential, ("key", "api_key", "apiKey", "api-key", "access_token", "X-Amz-Signature")))
    assert not any(map(is_credential, ("pageToken", "page_token", "after", "include[]", "keyword", "stream")))


def test_cookies_and_organisations_never_come_down() -> None:
    sent = {
        "Set-Cookie": "a=b",
        "OpenAI-Organization": "org-1",
        "Server": "nginx",
        "X-Request-Id": "req_1",
        "X-RateLimit-Remaining-Requests": "9",
        "Anthropic-RateLimit-Tokens-Limit": "7",
        "Retry-After": "1",
        "Content-Length": "12",
    }
    assert sorted(down_headers(sent, None)) == [
        "anthropic-ratelimit-tokens-limit",
        "retry-after",
        "x-ratelimit-remaining-requests",
        "x-request-id",
    ]


def test_a_header_that_repeats_the_credential_is_dropped() -> None:
    assert down_headers({"X-Request-Id": "for sk-secret-1"}, "sk-secret-1") == {}
