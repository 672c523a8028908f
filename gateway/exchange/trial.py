"""A raw request on trial: taken along the way of live traffic as far as policy's question, and no further."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.config import Config, ServerKey
from gateway.contract import Syntax, finding_rows
from gateway.detect import DetectionService, Detector
from gateway.dialects import families, usual_path
from gateway.errors import ConfigError, Refusal, RegateError
from gateway.exchange.decide import input_of, prompt_of
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.mask import syntax_of
from gateway.exchange.receive import Receiver
from gateway.exchange.steps import Call
from gateway.sessions import Sessions
from gateway.upstream import Upstreams, open_session
from gateway.words import Agent, InspectedPart, Source, UsageFacts


class TrialRefused(RegateError):
    """The gateway itself refuses the request; policy is not asked."""


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """What an agent would send. `path` "" is the family's own for a conversation."""

    provider: str
    body: bytes
    path: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    agent: str = "trial"
    owner: str = "none"
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What policy would be asked about: its input, what was found in syntax, and the parts."""

    document: dict[str, Any]
    syntax: tuple[Syntax, ...]
    parts: tuple[InspectedPart, ...]

    def shown(self) -> list[dict[str, Any]]:
        """Return the parts as plain data, with placeholders in place of what was found."""
        return [
            {
                "role": each.part.role,
                "kind": each.part.kind,
                "pointer": each.pointer,
                "text": each.masked,
                "findings": [{"entity": found.entity, "score": found.score} for found in each.findings],
            }
            for each in self.parts
        ]


async def arrive(config: Config, request: TrialRequest) -> Trial:
    """Take a request as far as policy's question.

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
    unsent = {
        request.provider: msgspec.structs.replace(
            provider, credential="", credentials=(), deployments=(), aws=None, base_url="builtin:demo"
        )
    }
    key = ServerKey(secrets.token_bytes(32))
    inspector = Inspector(inspection, detector, key)
    receiver = Receiver(
        Upstreams(unsent, session), config.limits, inspector, Sessions(key), key, config.cors_origins
    )
    exchange = Exchange(_call(request, provider.family), enforced=True)
    try:
        exchange.agent = Agent(
            request.agent, request.owner, "api_key", tuple(request.groups), {"role": "agent"}
        )
        await receiver.receive(exchange)
        exchange.usage = UsageFacts.of_first()
        exchange.inspected = await inspector.inspect(exchange, "")
    except Refusal as refusal:
        said = f"{refusal.status} {refusal.code}: {refusal.message}"
        raise TrialRefused(f"the gateway refuses this before policy is asked: {said}") from refusal
    finally:
        await inspection.close()
        await session.close()
    subject = prompt_of(exchange)
    rows = finding_rows(exchange.parts, detector.describe)
    origins = [()] * len(subject.calls)  # a prompt's own calls have none
    document = input_of(exchange, subject, rows, origins)
    return Trial(document, syntax_of(exchange.parts), tuple(exchange.parts))


def _call(request: TrialRequest, family: str) -> Call:
    async def body() -> bytes:
        return request.body

    path, _, query = (request.path or usual_path(family)).partition("?")
    sealed = families()[family].issued_headers  # under the live key, which this one cannot open
    headers = {name: value for name, value in request.headers.items() if name not in sealed}
    return Call(
        provider=request.provider,
        method=request.method,
        raw_path=path.encode(),
        raw_query=query.encode(),
        headers={"content-type": "application/json", **headers},
        source=Source(ip="127.0.0.1", user_agent=headers.get("user-agent", "")),
        body=body,
    )
