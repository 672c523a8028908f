"""A Vault is reached over TLS, by one way to sign in, and its settings hold no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import VaultSettings, load_config
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"token": "s3cret"}, "token: expected a reference"),
        ({"approle": {"role_id": "r", "secret_id": "s3cret"}}, "secret_id: expected a reference"),
        ({"kubernetes": {"role": "r", "jwt": "s3cret"}}, "jwt: expected a reference"),
        ({}, "expected one of token"),
        ({"token": "env:A", "kubernetes": {"role": "r"}}, "expected one of token"),
        ({"token": "env:A", "address": "http://vault.internal"}, "address: expected https"),
        ({"approle": {"role_id": "r", "secret_id": "env:A", "mount": "/x"}}, "mount"),
    ],
)
def test_a_contradiction_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why) as refused:
        msgspec.convert({"address": "https://vault", **said}, VaultSettings)
    assert "s3cret" not in str(refused.value)


def test_a_reference_without_its_section_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "regate.yaml"
    for place in (
        "credential: 'vault:secret/a#key'",
        "deployments: [{base_url: http://i, credential: 'vault:secret/a#key'}]",
    ):
        file.write_text(f"providers: {{a: {{family: openai, base_url: http://h, {place}}}}}\n")
        with pytest.raises(ConfigError, match="expected the section `vault`"):
            load_config(file)
        with file.open("a") as more:
            more.write("vault: {address: https://vault, token: env:A}\n")
        assert load_config(file).vault
    file.write_text("providers: {a: {family: openai, base_url: http://h, credential: 'vault:secret#key'}}\n")
    with pytest.raises(ConfigError, match="vault:MOUNT/PATH#MEMBER"):
        load_config(file)
