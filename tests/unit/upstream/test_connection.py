"""A provider is reached as its settings say, over real sockets, certificates and proxies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yarl import URL

from gateway.config import Provider
from gateway.errors import UpstreamUnavailable
from gateway.upstream import UpstreamRequest, Upstreams, open_session
from gateway.upstream.connection import ConnectionSettings
from gateway.upstream.faults import NotConnected
from tests.support.sites import always, site
from tests.support.tls import certificate, pipe, serving


def served(folder: Path, **how: int) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate, and what serves with it."""
    folder.mkdir(exist_ok=True)
    pem, _ = certificate(folder, **how)
    return pem, serving(folder)


async def ask(settings: Mapping[str, Any], root: Path = Path()) -> int:
    provider = msgspec.convert({"family": "openai", **settings}, Provider)
    async with open_session(2, 2) as session:
        found = Upstreams({"p": provider}, session, root).find("p")
        response = await found.transport.send(UpstreamRequest("POST", "/v1/x", "", {"x-a": "1"}, b"{}"))
        await response.close()
        return response.status


async def test_the_certificates_of_the_ca_file_count_and_no_others(tmp_path: Path) -> None:
    pem, context = served(tmp_path / "own")
    served(tmp_path / "other")
    async with site(always(), context) as one:
        assert await ask({"base_url": one.url, "ca": f"own/{pem.name}"}, tmp_path) == 200
        for ca in ("", f"other/{pem.name}"):
            with pytest.raises(NotConnected) as refused:
                await ask({"base_url": one.url, "ca": ca}, tmp_path)
            assert "its certificate is not accepted" in refused.value.why
            assert (str(tmp_path / ca) if ca else "the system's authorities") in refused.value.why
            assert "certificate" not in refused.value.message  # what agents read
    assert len(one.keys) == 1


async def test_a_ca_file_is_read_again_when_it_changes_and_a_broken_one_closes_the_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upstream.credentials._LOOK_SECONDS", 0)
    pem, context = served(tmp_path / "own")
    other, _ = served(tmp_path / "other")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(other.read_bytes())
    async with open_session(2, 2) as session, site(always(), context) as one:
        provider = Provider("openai", one.url, ca="ca.pem")
        transport = Upstreams({"p": provider}, session, tmp_path).find("p").transport

        async def send(text: bytes) -> int:
            ca.write_bytes(text)
            response = await transport.send(UpstreamRequest("POST", "/", "", {}, b"{}"))
            await response.close()
            return response.status

        with pytest.raises(NotConnected):
            await send(other.read_bytes())
        assert await send(pem.read_bytes()) == 200
        for broken, why in ((b"", "cannot be read"), (b"no certificate", "holds no certificate")):
            with pytest.raises(UpstreamUnavailable, match=why):
                await send(broken)
        assert await send(pem.read_bytes()) == 200


async def test_an_expired_certificate_is_told_with_the_clock(tmp_path: Path) -> None:
    pem, context = served(tmp_path, days=-2)
    async with site(always(), context) as one:
        with pytest.raises(NotConnected) as refused:
            await ask({"base_url": one.url, "ca": pem.name}, tmp_path)
    assert "expired" in refused.value.why
    assert "clock says 20" in refused.value.why


async def test_the_settings_of_the_route_go_up(tmp_path: Path) -> None:
    async with site(always()) as one:
        await ask({"base_url": one.url, "headers": {"x-team": "ml", "x-a": "2"}})
    assert (one.heads[0]["x-team"], one.heads[0]["x-a"]) == ("ml", "2")


async def test_a_proxy_is_used_as_the_settings_or_the_environment_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with site(always()) as proxy, site(always()) as one:
        with_password = proxy.url.replace("//", "//user:s3cret@")
        monkeypatch.setenv("PROXY", with_password)
        for said, through in (
            ("", False),
            (proxy.url, True),
            ("env:PROXY", True),
            ("environment", False),  # none is set there
        ):
            before = len(proxy.targets), len(one.targets)
            assert await ask({"base_url": one.url, "proxy": said}) == 200
            assert (len(proxy.targets) > before[0], len(one.targets) > before[1]) == (through, not through)
        assert proxy.heads[-1]["proxy-authorization"].startswith("Basic ")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert await ask({"base_url": one.url, "proxy": "environment"}) == 200
        assert len(proxy.targets) == 3
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert await ask({"base_url": one.url, "proxy": "environment"}) == 200
        assert await ask({"base_url": one.url}) == 200  # the environment alone decides nothing
        assert len(proxy.targets) == 3


async def test_tls_goes_through_a_proxy_to_the_provider_itself(tmp_path: Path) -> None:
    """The proxy opens a tunnel: it sees an address, and neither prompt nor credential."""
    pem, context = served(tmp_path)
    seen: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, up_writer), pipe(up_reader, writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    async with proxy, site(always(), context) as one:
        for _ in range(2):
            said = {"base_url": one.url, "ca": pem.name, "proxy": f"http://127.0.0.1:{port}"}
            assert await ask(said, tmp_path) == 200
    assert all(head.startswith(b"CONNECT 127.0.0.1:") and b"x-a" not in head for head in seen)
    assert len(seen) == len(one.targets) == 2


async def test_a_proxy_that_refuses_or_is_gone_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site(always(407)) as proxy:
        for url, why in (
            (proxy.url, "refused the connection: 407"),
            ("http://127.0.0.1:1", "cannot be reached"),
        ):
            monkeypatch.setenv("PROXY", url.replace("//", "//user:s3cret@"))
            with pytest.raises(NotConnected) as refused:
                await ask({"base_url": "https://provider.example", "proxy": "env:PROXY"})
            assert why in refused.value.why
            assert url.removeprefix("http://") in refused.value.why
            assert "s3cret" not in f"{refused.value.why}{refused.value}"
    monkeypatch.delenv("PROXY")
    with pytest.raises(NotConnected, match="proxy is not set"):
        await ask({"base_url": "https://provider.example", "proxy": "env:PROXY"})


def test_without_settings_the_environment_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert ConnectionSettings().proxy(URL("https://provider.example")) is None
    assert ConnectionSettings().trust() is True


def test_a_proxy_that_is_no_address_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY", "http://user:hunter2/x@proxy:3128")
    with pytest.raises(NotConnected, match="is no address") as told:
        ConnectionSettings(said_proxy="env:PROXY").proxy(URL("https://provider.example/"))
    assert told.value.__suppress_context__
