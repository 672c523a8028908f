"""The providers: where a governed request goes, under the provider's credential."""

from gateway.upstream.client import (
    CountedResponse,
    HttpUpstream,
    ReplayedResponse,
    Upstream,
    UpstreamRequest,
    UpstreamResponse,
    open_session,
    pack,
    unpack,
)
from gateway.upstream.directory import Endpoint, Endpoints
from gateway.upstream.headers import QUERY_PARAMETERS, down_headers, up_headers

__all__ = [
    "QUERY_PARAMETERS",
    "CountedResponse",
    "Endpoint",
    "Endpoints",
    "HttpUpstream",
    "ReplayedResponse",
    "Upstream",
    "UpstreamRequest",
    "UpstreamResponse",
    "down_headers",
    "open_session",
    "pack",
    "unpack",
    "up_headers",
]
