"""Why a provider could not be reached, in words for operators: they name files, proxies and clocks."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from yarl import URL

from gateway.errors import UpstreamUnavailable

_NOT_YET, _EXPIRED = 9, 10  # OpenSSL's X509_V_ERR_CERT_…


class NotSent(UpstreamUnavailable):
    """Nothing was sent: another provider may be asked."""


class NotConnected(NotSent):
    """No connection came about, and nothing was sent. `why` is for operators."""

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why or message


def explain(error: BaseException, *, ca: str | Path = "", proxy: URL | None = None) -> str:
    """Return what failed, and where to look. The text holds no secret: no header, no password of a proxy."""
    through = f" (proxy {proxy.with_user(None)})" if proxy else ""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy {_shown(proxy)} refused the connection: {error.status}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy {_shown(proxy)} cannot be reached: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error, ca) + through
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"no TLS connection came about: {error.os_error.strerror or error.os_error}{through}"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection came about in time{through}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.os_error.strerror or error.os_error}{through}"
    return f"{type(error).__name__}{through}"


def _certificate(error: Exception, ca: str | Path) -> str:
    vouching = f"the CA file {ca}" if ca else "the system's authorities (set `ca` for one of your own)"
    said = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
    text = f"its certificate is not accepted: {said}; looked at with {vouching}"
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in (_NOT_YET, _EXPIRED):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        text += f"; this machine's clock says {now}: is it right?"
    return text


def _shown(proxy: URL | None) -> str:
    return str(proxy.with_user(None)) if proxy else "that is set"
