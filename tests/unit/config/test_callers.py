"""Who may call, as the configuration says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.config import load_config
from gateway.errors import ConfigError

ISSUER = "issuer: https://id.example, audience: regate, owner: sub"


PROXY = "trusted_proxies: ['::1']\ncertificate_proxies: ['::1']\n"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("oidc: {isuers: []}", "did you mean issuers?"),
        (f"oidc: {{issuers: [{{{ISSUER}, algoritms: [RS256]}}]}}", "did you mean algorithms?"),
        (f"oidc: {{issuers: [{{{ISSUER}, algorithms: [none]}}]}}", "Expected one of .*RS256.*found 'none'"),
        (f"oidc: {{issuers: [{{{ISSUER}, algorithms: [HS256]}}]}}", "found 'HS256'"),
        (f"oidc: {{issuers: [{{{ISSUER}, algorithms: []}}]}}", "length"),
        ("oidc: {issuers: [{issuer: 'http://id.example', audience: a, owner: sub}]}", "expected https"),
        ("oidc: {issuers: [{issuer: 'https://u:p@id.example', audience: a, owner: sub}]}", "expected https"),
        ("oidc: {issuers: [{issuer: 'https://id.example', audience: [], owner: sub}]}", "audience"),
        ("oidc: {issuers: [{issuer: 'https://id.example', audience: '', owner: sub}]}", "audience"),
        ("oidc: {issuers: [{issuer: 'https://id.example', audience: a}]}", "owner"),
        (
            "oidc: {issuers: [{issuer: 'spiffe://acme.example', audience: a, owner: sub}]}",
            "jwks: expected it",
        ),
        (f"oidc: {{issuers: [{{{ISSUER}, jwks: 'http://id.example/keys'}}]}}", "jwks: expected a path"),
        (
            f"oidc: {{issuers: [{{{ISSUER}, credential: hunter2}}]}}",
            "credential: expected a reference, .*path$",
        ),
        (f"oidc: {{issuers: [{{{ISSUER}, grants: {{a: [b]}}}}]}}", "grants: expected `groups`"),
        (f"oidc: {{issuers: [{{{ISSUER}, keep_seconds: 5}}]}}", "keep_seconds"),
        (f"oidc: {{issuers: [{{{ISSUER}}}, {{{ISSUER}}}]}}", "twice"),
        (
            "workloads: [{id: 'spiffe://a/b', owner: ana}]",
            "expected listen_tls.client_ca or certificate_proxies",
        ),
        (
            "trusted_proxies: [10.0.0.0/8]\ncertificate_proxies: [11.0.0.1]",
            "expected a part of trusted_proxies",
        ),
        ("certificate_proxies: ['::1']", "expected a part of trusted_proxies"),
        (
            PROXY + "workloads: [{id: 'spiffe://*/b', owner: ana}]",
            "matching regex",
        ),
        (
            PROXY + "workloads: [{id: 'spiffe://a*', owner: ana}]",
            "matching regex",
        ),
        ("listen_tls: {certifcate: a, key: b}", "did you mean certificate?"),
        ("listen_tls: {certificate: a, key: b, client: required}", "expected a client_ca"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(tmp_path: Path, section: str, said: str) -> None:
    path = tmp_path / "regate.yaml"
    path.write_text(f"providers: {{demo: {{family: openai, base_url: 'builtin:demo'}}}}\n{section}\n")
    with pytest.raises(ConfigError, match=said) as error:
        load_config(path)
    assert "hunter2" not in str(error.value)


def test_the_groups_of_callers_without_keys_are_known(tmp_path: Path) -> None:
    """Names in the policy's settings are checked by them."""
    path = tmp_path / "regate.yaml"
    granted = "groups: teams, grants: {x: [red, blue]}, default_groups: [guest]"
    path.write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
        "trusted_proxies: ['::1']\ncertificate_proxies: ['::1']\n"
        "workloads: [{id: 'spiffe://a/b', owner: ana, groups: [batch]}]\n"
        f"oidc: {{issuers: [{{{ISSUER}, {granted}}}]}}\n"
    )
    config: Any = load_config(path)
    assert config.caller_groups == {"red", "blue", "guest", "batch"}
