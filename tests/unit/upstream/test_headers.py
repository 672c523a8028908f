"""Headers cross the gateway by allowlist, in both directions."""

from gateway.upstream import down_headers, up_headers


def test_only_the_providers_own_syntax_goes_up():
    sent = {
        "Anthropic-Version": "2023-06-01",
        "Authorization": "Bearer rg_x",
        "X-Api-Key": "rg_x",
        "Cookie": "a=b",
        "OpenAI-Organization": "org-1",
        "X-Stainless-Lang": "python",
        "X-Regate-Session": "s",
        "User-Agent": "jane@laptop",
        "Forwarded": "for=10.0.0.1",
        "Accept": "application/json",
    }
    assert up_headers(sent) == {"anthropic-version": "2023-06-01", "accept": "application/json"}


def test_cookies_and_organisations_never_come_down():
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


def test_a_header_that_repeats_the_credential_is_dropped():
    assert down_headers({"X-Request-Id": "for sk-secret-1"}, "sk-secret-1") == {}
