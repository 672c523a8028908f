"""What operators read names the file, the proxy and the clock, and holds no secret."""

from __future__ import annotations

import ssl
from unittest.mock import Mock

import aiohttp
import pytest
from yarl import URL

from gateway.upstream.faults import NotConnected, explain

KEY = Mock(ssl=True, host="provider.example", port=443)
PROXY = URL("http://user:s3cret@proxy.example:3128")


def certificate_error(code: int) -> aiohttp.ClientConnectorCertificateError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "certificate is not yet valid"
    return aiohttp.ClientConnectorCertificateError(KEY, error)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            certificate_error(9),
            "not yet valid; looked at with the CA file ca.pem; this machine's clock says 20",
        ),
        (
            certificate_error(19),
            "not yet valid; looked at with the CA file ca.pem (proxy http://proxy.example:3128)",
        ),
        (
            aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")),
            "the proxy http://proxy.example:3128",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError(113, "no route")),
            "no route (proxy http://proxy.example:3128)",
        ),
        (
            aiohttp.ClientConnectorSSLError(KEY, OSError(1, "wrong version")),
            "no TLS connection came about: wrong",
        ),
        (aiohttp.ConnectionTimeoutError(), "no connection came about in time (proxy"),
        (ValueError("s3cret"), "ValueError"),
    ],
)
def test_each_failure_is_explained(error: Exception, why: str) -> None:
    said = explain(error, ca="ca.pem", proxy=PROXY)
    assert why in said
    assert "s3cret" not in said


def test_a_refusal_tells_agents_less_than_operators() -> None:
    assert NotConnected("out").why == "out"
    assert NotConnected("out", "the proxy p").message == "out"
