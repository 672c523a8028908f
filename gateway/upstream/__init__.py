"""The providers: where a governed request goes, under the provider's credential."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.upstream.client import (
        CountedResponse,
        HttpTransport,
        ReplayedResponse,
        Trail,
        Transport,
        UpstreamRequest,
        UpstreamResponse,
        open_session,
        pack,
        unpack,
    )
    from gateway.upstream.directory import Upstream, Upstreams
    from gateway.upstream.faults import NotSent
    from gateway.upstream.headers import down_headers, is_bound, is_credential, syntax_headers, up_headers
    from gateway.upstream.probing import Probed, probe
    from gateway.upstream.routes import SERVED_NOTHING
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "SERVED_NOTHING",
    "CountedResponse",
    "HttpTransport",
    "NotSent",
    "Probed",
    "ReplayedResponse",
    "Trail",
    "Transport",
    "Upstream",
    "UpstreamRequest",
    "UpstreamResponse",
    "Upstreams",
    "down_headers",
    "is_bound",
    "is_credential",
    "open_session",
    "pack",
    "probe",
    "syntax_headers",
    "unpack",
    "up_headers",
]
