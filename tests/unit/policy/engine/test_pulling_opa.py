"""An OPA elsewhere says which bundle it has; without certificate or token it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.engine.engine import encode, probe
from gateway.policy.engine.pulling_opa import Pulled, PullingOpaClient
from tests.support.bundles import library
from tests.support.pulling_opa import TOKEN
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.policy.engine.conftest import Pulling


@asynccontextmanager
async def client_of(
    pulling: Pulling, *, token: str = TOKEN, trusted: bool = True
) -> AsyncIterator[PullingOpaClient]:
    ca = pulling.opa.ca if trusted else None
    client = PullingOpaClient(pulling.opa.address, token=token, ca=ca, timeout_seconds=30.0)
    async with client:
        yield client


async def pulled_until(client: PullingOpaClient, condition: Callable[[Pulled], object]) -> Pulled:
    """Ask the OPA how it fares until it is what is waited for."""
    found = Pulled()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition(found := await client.pulled(found)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return found


async def test_an_opa_that_has_pulled_tells_its_revision_and_decides_by_it(pulling: Pulling) -> None:
    source = library()
    pulling.serve(build_bundle(source, pulling.key))
    async with client_of(pulling) as client:
        found = await pulled_until(client, lambda pulled: pulled.succeeded_at)
        assert (found.revision, found.error) == (source.revision, "")
        decision, revision = await client.ask(encode(probe()), (source.revision,))
        assert (type(decision), revision) == (dict, source.revision)


async def test_a_bundle_that_is_not_taken_counts_as_a_failure_and_says_why(pulling: Pulling) -> None:
    pulling.serve(build_bundle(library(), None))
    async with client_of(pulling) as client:
        found = await pulled_until(client, lambda pulled: pulled.failures)
    assert found.error.startswith("the bundle is not taken: ")
    assert (found.revision, found.succeeded_at) == ("", None)


@pytest.mark.parametrize(("token", "trusted"), [("another", True), (TOKEN, False)])
async def test_without_its_token_or_certificate_an_opa_says_nothing(
    pulling: Pulling, token: str, trusted: bool
) -> None:
    pulling.serve(build_bundle(library(), pulling.key))
    async with client_of(pulling) as client:
        await pulled_until(client, lambda pulled: pulled.succeeded_at)
    async with client_of(pulling, token=token, trusted=trusted) as client:
        assert (await client.pulled(Pulled())).revision == ""
        with pytest.raises(PolicyUnavailable):
            await client.ask(encode(probe()), (library().revision,))


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca in (tmp_path / "ca.pem", tmp_path / "none.pem"):
        with pytest.raises(ConfigError, match=f"policy.opa.ca: {ca}: expected certificates in PEM"):
            PullingOpaClient("https://opa", token="t", ca=ca, timeout_seconds=1.0)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://opa.internal", "https://opa.internal:443/v1"),
        ("http://127.0.0.1", "http://127.0.0.1:80/v1"),
        ("https://[::1]:8181/", "https://[::1]:8181/v1"),
    ],
)
def test_an_address_without_a_port_has_that_of_its_scheme(url: str, root: str) -> None:
    assert PullingOpaClient(url, token="t", ca=None, timeout_seconds=1.0).root_url == root
