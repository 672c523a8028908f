"""An OpenID provider (authlib on Flask) in a process of its own: tokens for agents, and keys that rotate."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.prefork import ROOT


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """The provider as a test sees it."""

    issuer: str

    def token(self, client: str = "invoice-bot") -> str:
        """Return an access token that the client gets for its secret (RFC 6749, 4.4; RFC 9068)."""
        asked = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{self.issuer}/token", data=asked, auth=(client, "secret"))
        return str(answer.raise_for_status().json()["access_token"])

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays in the set."""
        httpx.post(f"{self.issuer}/rotate").raise_for_status()


@contextlib.contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """Run a provider."""
    command = [sys.executable, "-m", "tests.support.oidc_provider"]
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield OidcProvider(process.stdout.readline().strip())
        finally:
            process.kill()


def _serve() -> None:
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import ClientMixin
    from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
    from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
    from flask import Flask, jsonify
    from joserfc.jwk import RSAKey
    from werkzeug.serving import make_server

    app = Flask(__name__)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    issuer = f"http://127.0.0.1:{server.server_port}"
    keys = [RSAKey.generate_key(2048, auto_kid=True)]

    class Client(ClientMixin):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self.name = name

        def get_client_id(self) -> str:
            return self.name

        def get_allowed_scope(self, scope: str) -> str:
            return ""

        def check_client_secret(self, client_secret: str) -> bool:
            return client_secret == "secret"

        def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
            return method == "client_secret_basic"

        def check_grant_type(self, grant_type: str) -> bool:
            return grant_type == "client_credentials"

    class Generator(JWTBearerTokenGenerator):  # type: ignore[misc]
        def get_jwks(self) -> Any:
            return {"keys": [keys[-1].as_dict(private=True)]}  # of a set, so that tokens say `kid`

        def get_audiences(self, client: Any, user: Any, scope: Any) -> list[str]:
            return ["regate"]

        def get_extra_claims(self, client: Any, grant_type: Any, user: Any, scope: Any) -> dict[str, Any]:
            return {"groups": ["platform-engineering"], "contact": "ana"}

    def query_client(name: str) -> Client:
        return Client(name)

    authorization = AuthorizationServer(app, query_client=query_client, save_token=lambda *_: None)
    authorization.register_grant(ClientCredentialsGrant)
    authorization.register_token_generator("default", Generator(issuer=issuer))

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Any:
        return jsonify(issuer=issuer, jwks_uri=f"{issuer}/jwks", token_endpoint=f"{issuer}/token")

    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify(keys=[key.as_dict(private=False) for key in keys])

    @app.post("/token")
    def token() -> Any:
        return authorization.create_token_response()

    @app.post("/rotate")
    def rotate() -> str:
        keys.append(RSAKey.generate_key(2048, auto_kid=True))
        return ""

    print(issuer, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve()
