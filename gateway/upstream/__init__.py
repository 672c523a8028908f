"""The providers: where a governed request goes, under the provider's credential."""

from gateway.upstream.client import (
    CountedResponse,
    HttpTransport,
    ReplayedResponse,
    Transport,
    UpstreamRequest,
    UpstreamResponse,
    open_session,
    pack,
    unpack,
)
from gateway.upstream.directory import Upstream, Upstreams
from gateway.upstream.headers import QUERY_PARAMETERS, down_headers, up_headers

__all__ = [
    "QUERY_PARAMETERS",
    "CountedResponse",
    "HttpTransport",
    "ReplayedResponse",
    "Transport",
    "Upstream",
    "UpstreamRequest",
    "UpstreamResponse",
    "Upstreams",
    "down_headers",
    "open_session",
    "pack",
    "unpack",
    "up_headers",
]
