"""`regate doctor --bypass`: whether providers can be reached around the gateway, from the host it runs on."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from cli.checks import Check

# One host of each provider whose hosts are the same for every customer.
HOSTS = (
    "api.openai.com", "eu.api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com",
    "aiplatform.googleapis.com", "bedrock-runtime.us-east-1.amazonaws.com", "api.mistral.ai", "api.groq.com",
    "api.cohere.com", "api.deepseek.com", "api.x.ai", "openrouter.ai", "api.together.xyz",
    "api.perplexity.ai", "api.fireworks.ai", "api.cerebras.ai", "router.huggingface.co", "api.replicate.com",
    "integrate.api.nvidia.com", "api.moonshot.ai", "dashscope.aliyuncs.com",
)  # fmt: skip
_SECONDS = 3.0
_THREADS = 32
_REMEDY = "close the network around the gateway: deploy/egress has examples"


def ways_around(hosts: Sequence[str], gateway: str) -> Iterator[Check]:
    """Yield a check of the gateway, which has to answer, and of each host (`name[:port]`), which must not."""
    yield _gateway(gateway)
    with ThreadPoolExecutor(_THREADS) as threads:
        yield from threads.map(_host, dict.fromkeys(hosts))


def _gateway(url: str) -> Check:
    """Check that the gateway answers: where nothing can be reached, blocked hosts prove nothing."""
    if not url:
        remedy = "name it with --gateway: where nothing can be reached, the rest proves nothing"
        return Check("gateway", "not named", False, remedy)
    try:
        answer = httpx.get(f"{url.rstrip('/')}/healthz", timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Check("gateway", f"{url} cannot be reached: {error}", False, "let agents reach the gateway")
    return Check("gateway", f"{url} answers {answer.status_code}")


def _host(host: str) -> Check:
    name, port = _parts(host)
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        addresses = dict.fromkeys(str(one[4][0]) for one in found)
    except OSError:
        addresses = {}
    reached = next((address for address in addresses if _answers(address, port, name)), "")
    if reached:
        return Check(host, f"can be reached at {reached}", False, _REMEDY)
    if proxy := _reached_by_proxy(name, port):
        return Check(host, f"can be reached through the proxy {proxy}", False, "let the proxy refuse it")
    return Check(host, "cannot be reached" if addresses else "has no address here")


def _answers(address: str, port: int, name: str) -> bool:
    """Return whether a connection stands. One that is cut when TLS says the name does not."""
    try:
        with socket.create_connection((address, port), _SECONDS) as connection:
            context = ssl._create_unverified_context()  # noqa: S323 - nothing is sent: any answer counts
            with context.wrap_socket(connection, server_hostname=name):
                return True
    except (ConnectionError, ssl.SSLEOFError):
        return False
    except ssl.SSLError:
        return True
    except TimeoutError:
        return _connects(address, port)
    except OSError:
        return False


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _SECONDS).close()
    except OSError:
        return False
    return True


def _reached_by_proxy(name: str, port: int) -> str:
    """Return the proxy of this environment that opens a way to the host, "" where none does."""
    proxy = urllib.request.getproxies().get("https", "")
    if not proxy or urllib.request.proxy_bypass(name):
        return ""
    place = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        with socket.create_connection((place.hostname or "", place.port or 3128), _SECONDS) as connection:
            connection.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
            status = connection.makefile("rb").readline().split()
    except OSError:
        return ""
    # the address alone: a proxy's user and password are not for a report
    return f"{place.hostname}:{place.port}" if status[1:2] == [b"200"] else ""


def _parts(host: str) -> tuple[str, int]:
    place = urlsplit(f"//{host}")
    return place.hostname or host, place.port or 443
