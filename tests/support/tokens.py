"""Issuers of the tests: keys, key sets in files, and tokens with whatever is wrong with them."""

from __future__ import annotations

import base64
import hmac
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

ISSUER = "https://id.example"
AUDIENCE = "regate"


@dataclass(slots=True)
class Signer:
    """One who signs tokens with an EC key, and writes the key set that verifies them."""

    issuer: str = ISSUER
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return claims that are fine, but for the changes; None leaves one out."""
        now = int(time.time())
        fine = {"iss": self.issuer, "aud": AUDIENCE, "sub": "bot", "iat": now, "exp": now + 600, **changes}
        return {name: value for name, value in fine.items() if value is not None}

    def token(self, header: Mapping[str, Any] = {}, **changes: Any) -> str:
        """Return a token with changed claims and members of the header."""
        return self.signed(self.claims(**changes), header)

    def signed(self, claims: Any, header: Mapping[str, Any] = {}) -> str:
        head = {"alg": "ES256", "kid": self.key.kid, **header}
        registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        registry.max_header_length = 1_000_000
        return jws.serialize_compact(head, json.dumps(claims).encode(), self.key, registry=registry)

    def write(self, path: Path, *more: Mapping[str, Any]) -> None:
        """Write the key set, with more keys in it."""
        path.write_text(json.dumps({"keys": [self.key.as_dict(private=False), *more]}))


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """Return a token without a signature, which says so (`alg: none`) unless told otherwise."""
    return ".".join((_piece({"alg": "none", **header}), _piece(claims), ""))


def confused(signer: Signer, claims: Mapping[str, Any]) -> str:
    """Return a token signed by HMAC with the issuer's public key, which everyone knows."""
    signed = f"{_piece({'alg': 'HS256', 'kid': signer.key.kid})}.{_piece(claims)}"
    mac = hmac.digest(signer.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def nested(depth: int) -> dict[str, Any]:
    """Return an `act` with so many actors in it, the last one outermost."""
    actor: dict[str, Any] = {"sub": "first"}
    for number in range(depth - 1):
        actor = {"sub": f"actor-{number}", "act": actor}
    return actor


def small_rsa() -> dict[str, Any]:
    """Return an RSA key that is too small, as a JWK."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(RSAKey.generate_key(1024, auto_kid=True).as_dict(private=False))


def _piece(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
