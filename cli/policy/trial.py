"""A raw request on trial: taken along the way of live traffic as far as policy's question, and no further."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.config import Config, ServerKey
from gateway.contract import Syntax, finding_rows
from gateway.detect import DetectionService, Detector
from gateway.dialects import usual_path
from gateway.errors import ConfigError, Refusal, RegateError
from gateway.exchange import Call, Exchange, Inspector, Receiver, Subject, input_of, syntax_of
from gateway.sessions import Sessions
from gateway.upstream import Upstreams, open_session
from gateway.words import Agent, Source, UsageFacts, Used


class TrialRefused(RegateError):
    """The gateway itself refuses the request; policy is not asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an agent would send. `path` "" is the family's own for a conversation."""

    provider: str
    body: bytes
    path: str = ""
    method: str = "POST"
    content_type: str = "application/json"
    agent: str = "trial"
    owner: str = "none"
    groups: Sequence[str] = ()


async def arrive(config: Config, request: Request) -> tuple[dict[str, Any], tuple[Syntax, ...]]:
    """Return the input that policy would be asked about, and what was found in syntax.

    The functions are those of live traffic. The key is one of a moment: live placeholders differ, and nothing
    of the gateway's state is read or written. Raises ConfigError, TrialRefused.
    """
    provider = config.providers.get(request.provider)
    if provider is None:
        raise ConfigError(f"provider {request.provider!r}: expected one of {', '.join(config.providers)}")
    detector = Detector(config.detect)
    inspection = DetectionService(detector, config.limits.inspect_seconds)
    session = open_session(config.limits.connect_seconds, config.limits.read_seconds)
    # nothing is sent, so a provider without its credential can be tried as well
    unsent = {request.provider: msgspec.structs.replace(provider, credential="", base_url="builtin:demo")}
    key = ServerKey(secrets.token_bytes(32))
    inspector = Inspector(inspection, detector, key)
    receiver = Receiver(Upstreams(unsent, session), config.limits, inspector, Sessions(key), key)
    exchange = Exchange(_call(request, usual_path(provider.family)), enforced=True)
    try:
        exchange.agent = Agent(
            request.agent, request.owner, "api_key", tuple(request.groups), {"role": "agent"}
        )
        await receiver.receive(exchange)
        exchange.usage = UsageFacts(minute=Used(requests=1), day=Used(requests=1))
        exchange.inspected = await inspector.inspect(exchange, "")
    except Refusal as refusal:
        said = f"{refusal.status} {refusal.code}: {refusal.message}"
        raise TrialRefused(f"the gateway refuses this before policy is asked: {said}") from refusal
    finally:
        await inspection.close()
        await session.close()
    subject = Subject("request", exchange.parts)
    return input_of(exchange, subject, finding_rows(exchange.parts)), syntax_of(exchange.parts)


def _call(request: Request, usual_path: str) -> Call:
    async def body() -> bytes:
        return request.body

    path, _, query = (request.path or usual_path).partition("?")
    return Call(
        provider=request.provider,
        method=request.method,
        raw_path=path.encode(),
        raw_query=query.encode(),
        headers={"content-type": request.content_type},
        source=Source(ip="127.0.0.1", user_agent=""),
        body=body,
    )
