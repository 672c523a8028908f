"""A key pair of each kind that signs bundles."""

from __future__ import annotations

import pytest

from gateway.policy.bundle.signing_keys import Algorithm, SigningKey, create_signing_key


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    algorithm: Algorithm = request.param
    return create_signing_key(tmp_path_factory.mktemp("key") / "policy.key", algorithm)[0]
