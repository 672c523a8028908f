"""Where secrets are kept that `vault:` references name: a server with the API of HashiCorp's Vault."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from gateway.config.providers import REFERENCE

_ADDRESS = re.compile(r"https://[^/?#@\s]+/?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/?")
Mount = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]


class AppRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role by which a machine signs in; its `secret_id` is a reference."""

    role_id: str
    secret_id: str
    mount: Mount = "approle"

    def __post_init__(self) -> None:
        _check("secret_id", self.secret_id)


class KubernetesRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role by which a pod signs in, with the token of its service account."""

    role: str
    jwt: str = "file:/var/run/secrets/kubernetes.io/serviceaccount/token"
    mount: Mount = "kubernetes"

    def __post_init__(self) -> None:
        _check("jwt", self.jwt)


class VaultSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Vault, and one way to sign in to it: `token`, `approle` or `kubernetes`."""

    address: str
    token: str = ""
    approle: AppRole | None = None
    kubernetes: KubernetesRole | None = None
    namespace: str = ""
    ca: str = ""

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise ValueError("address: expected https://host[:port], or http:// on this machine's loopback")
        if sum(map(bool, (self.token, self.approle, self.kubernetes))) != 1:
            raise ValueError("expected one of token, approle and kubernetes")
        if self.token:
            _check("token", self.token)


def _check(name: str, reference: str) -> None:
    if not REFERENCE.fullmatch(reference):  # it may be the secret itself, so it is not repeated
        raise ValueError(f"{name}: expected a reference, env:NAME or file:/path")
