"""What is found in each part, what is history, and what policy and the record may see.

A part is history when an exchange of the same scope forwarded it in this session, and the conversation goes
on: the prompt says something that this scope did not forward yet. A prompt that says nothing more is a
repeat, and all of it is new, so that an approval of the same text does not pass it a second time.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import MappingProxyType

from gateway import detect
from gateway.config import ServerKey
from gateway.contract import CHANGED_TOOL, MASKABLE
from gateway.dialects import escape, reachable, rpc_of
from gateway.errors import UpstreamUnreadable
from gateway.exchange.exchange import Exchange
from gateway.exchange.issued import sealed
from gateway.exchange.mask import MUCH_TEXT, holds_value, masked_texts, run, takes_long
from gateway.exchange.steps import UNLABELED, Inspected
from gateway.exchange.stored import Stored
from gateway.exchange.tasks import Tasks
from gateway.masking import Where, credentials, splice_json, with_placeholders
from gateway.sessions import Scope
from gateway.state import TaskHolders, ToolPins
from gateway.upstream import down_headers
from gateway.words import Agent, Finding, InspectedPart, Match, Part, Tool

# The score from which on a personal value is no guess: these have signs or check digits that no id has.
_NO_TAGS: Mapping[str, str] = MappingProxyType({})
_SURE = {"US_SSN": 0.5, "US_ITIN": 0.5, "KR_RRN": 0.5, "BR_CPF": 0.6, "BR_CNPJ": 0.6, "FR_NIR": 0.6}
_SURE_OF_OTHERS = 0.85
_SPACE = re.compile(r"\s")
_MANY = 500  # parts: about 10 ms of digests
_MOST_TOOLS = 10_000  # of one provider, as many as it has ever described
_SHORT_HEAD, _MOST_HEADS = 2048, 1000  # characters of one envelope that is remembered, and how many are
_SHORT = 8  # characters: no value that is looked for is shorter
_CONTENT = ("text", "system", "tool_result")
_SPOKEN = ("text", "tool_call", "tool_result")


class Inspector:
    """Finds, digests and masks the parts of one prompt or completion. Its methods raise InspectionFailed."""

    def __init__(
        self,
        inspection: detect.DetectionService,
        detector: detect.Detector,
        key: ServerKey,
        pins: ToolPins | None = None,
        holders: TaskHolders | None = None,
    ) -> None:
        self._inspection = inspection
        self._pins = pins
        self.tasks = Tasks(key, holders)
        self.stored = Stored(key, holders)
        self.detector = detector
        self._key = key
        self._clean: set[tuple[tuple[str, str], ...]] = set()  # envelopes without a finding

    async def inspect(self, exchange: Exchange, revision: str) -> Inspected:
        """Return the prompt with its findings, and with history marked under this policy revision."""
        prompt = exchange.prompt
        parts = await self.prompt(exchange, prompt.parts)
        shown = masked_texts(parts)
        named = [shown.get(name, name) for name in prompt.models]
        models = reachable(named, exchange.envelope.path)
        seen = exchange.session.seen(
            scope_of(exchange.agent, exchange.provider, models, revision, exchange.envelope.tags)
        )
        marked = mark_history(parts, seen, exchange.dialect)
        model = shown.get(prompt.model, prompt.model)
        if not model and exchange.dialect != "none":  # Gemini and Azure name it in the path
            model = next(iter(reachable((), exchange.envelope.path)), "")
        own_words = exchange.own_words & {one.digest for one in marked if one.part.kind == "signed"}
        inspected = Inspected((*exchange.envelope.parts, *marked), model, models, revision, own_words)
        exchange.log("inspected", lambda: {"entities": _entities(inspected.parts)})
        return inspected

    async def prompt(self, exchange: Exchange, parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
        """Inspect the prompt's parts, all of them new so far."""
        texts = [part.text for part in parts]
        much = sum(map(len, texts)) > MUCH_TEXT  # looked through for what resembles a placeholder
        async with self._in_time(parts):
            await run(much, exchange.vault.reserve, texts)
            return await self._inspected(exchange, parts, await self._found(parts, names=True))

    async def inspect_envelope(self, exchange: Exchange, parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
        """Inspect parts that belong to no conversation: the path, the query, headers. They are always new.

        A client says the same in each request, so what was found clean is known again. No digest is made.
        """
        said = tuple((part.pointer, part.text) for part in parts)
        if said in self._clean:
            return tuple(InspectedPart(part, "", True, (), part.text) for part in parts)
        async with self._in_time(parts):
            inspected = await self._inspected(
                exchange, parts, await self._inspection.find(parts, names=False)
            )
        if not any(one.findings for one in inspected) and sum(len(text) for _, text in said) <= _SHORT_HEAD:
            if len(self._clean) >= _MOST_HEADS:
                self._clean.clear()
            self._clean.add(said)
        return inspected

    async def _found(self, parts: Sequence[Part], *, names: bool = False) -> list[tuple[Finding, ...]]:
        """Return what is found in each part of a body, less what is but a guess where a guess does harm."""
        found = await self._inspection.find(parts, names=names)
        return [believed(part, findings) for part, findings in zip(parts, found, strict=True)]

    async def _inspected(
        self, exchange: Exchange, parts: Sequence[Part], found: Sequence[tuple[Finding, ...]]
    ) -> tuple[InspectedPart, ...]:
        def inspect(part: Part, findings: tuple[Finding, ...]) -> InspectedPart:
            masked = with_placeholders(part.text, findings, exchange.vault) if findings else part.text
            return InspectedPart(part, self.digest(part), True, findings, masked)

        return await self._for_each(inspect, parts, found)

    async def completion(
        self, exchange: Exchange, parts: Sequence[Part], tools: Sequence[Tool] = ()
    ) -> tuple[InspectedPart, ...]:
        """Inspect a completion's parts. Values of the prompt itself are masked, but are no findings again.

        Of the `tools` that it offers, those are found that say something else than when they last passed.
        """
        vault, secret = exchange.vault, exchange.secret
        changed = await self._changed(exchange, tools)

        def inspect(part: Part, findings: tuple[Finding, ...]) -> InspectedPart:
            findings += tuple(
                Finding(span.entity, span.category, span.score, part.pointer, span.start, span.end)
                for span in credentials(part.text, secret)
            )
            if part.pointer in changed and part.place != "key":
                findings += (Finding(CHANGED_TOOL, "injection", 1.0, part.pointer, 0, len(part.text)),)
            brought = tuple(f for f in findings if not vault.holds(part.text[f.start : f.end]))
            masked = self._masked(part.text, findings, exchange) if findings else part.text
            return InspectedPart(part, self.digest(part), True, brought, masked)

        async with self._in_time(parts):
            return await self._for_each(inspect, parts, await self._found(parts))

    async def pin(self, exchange: Exchange, tools: Sequence[Tool]) -> None:
        """Remember what these tools say of themselves, for they pass now. Raises StateUnavailable."""
        if tools and self._pins:
            await self._pins.keep(_server(exchange), {tool.name: tool.definition for tool in tools})

    async def _changed(self, exchange: Exchange, tools: Sequence[Tool]) -> Set[str]:
        """Return where the tools stand that changed since they last passed. Raises StateUnavailable."""
        if not (tools and self._pins):
            return frozenset()
        pins = await self._pins.of(_server(exchange))
        if len(pins.keys() | {tool.name for tool in tools}) > _MOST_TOOLS:
            raise UpstreamUnreadable(f"the provider has described over {_MOST_TOOLS} tools")
        return {tool.pointer for tool in tools if pins.get(tool.name, tool.definition) != tool.definition}

    async def headers(self, exchange: Exchange, sent: Mapping[str, str]) -> dict[str, str]:
        """Return the provider's headers that may go down. One with a finding is left out: no mask fits it."""
        headers = down_headers(sent, exchange.secret)
        issued = sealed(self._key, exchange, headers)
        headers = {name: text for name, text in headers.items() if name not in issued}
        long = [Part("", "field", name, text) for name, text in headers.items() if len(text) > _SHORT]
        found = await self._inspection.find(long)
        tainted = {part.pointer for part, findings in zip(long, found, strict=True) if findings}
        return {name: text for name, text in headers.items() if name not in tainted} | issued

    def _in_time(self, parts: Sequence[Part]) -> AbstractAsyncContextManager[None]:
        """Bound the inspection of these parts as a whole; small ones wait for nothing but `find`."""
        much = len(parts) > _MANY or sum(len(part.text) for part in parts) > MUCH_TEXT
        return detect.in_time(self._inspection.seconds, much)

    async def _for_each(
        self,
        inspect: Callable[[Part, tuple[Finding, ...]], InspectedPart],
        parts: Sequence[Part],
        found: Sequence[tuple[Finding, ...]],
    ) -> tuple[InspectedPart, ...]:
        """Inspect every part; many of them off the event loop."""
        deadline = detect.Deadline(self._inspection.seconds)  # a thread goes on when its caller has left

        def work() -> tuple[InspectedPart, ...]:
            inspected = []
            for part, findings in zip(parts, found, strict=True):
                deadline.left()
                inspected.append(inspect(part, findings))
            return _with_masked_pointers(inspected)

        off_loop = len(parts) > _MANY or takes_long(zip((part.text for part in parts), found, strict=True))
        return await run(off_loop, work)

    def digest(self, part: Part) -> str:
        """Return a keyed digest of what a part says and as whom, 128 bits in hex."""
        fields = (part.role.encode(), part.kind.encode(), part.text.encode())
        return self._key.digest("part", *fields)[:16].hex()

    def _masked(self, text: str, findings: Sequence[Finding], exchange: Exchange) -> str:
        def placeholder(finding: Finding, _: Where) -> str:
            value = text[finding.start : finding.end]
            vault = exchange.vault if exchange.vault.holds(value) else exchange.response_vault
            return vault.placeholder(finding.entity, finding.category, value)

        return splice_json(text, findings, placeholder)


def _server(exchange: Exchange) -> str:
    """Return which server describes its tools: a provider may have several, by their paths."""
    return f"{exchange.provider}{exchange.envelope.path}"


def believed(part: Part, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings without guesses where the API fixes what stands there, or its provider signed it.

    A random seed, an id that the API issued, a bound of a schema or an address that must be fetched looks
    like a phone number often enough, and masked it means nothing any more.
    """
    if not findings or not (_is_fixed(part) or part.kind == "signed"):
        return findings
    return tuple(one for one in findings if not is_guess(one))


def _is_fixed(part: Part) -> bool:
    """Return whether the API or a schema fixes what stands here. Prose that came into such a place is not."""
    if part.place not in ("constant", "structural") or _SPACE.search(part.text):
        return False
    is_content = part.place == "structural" and part.kind in _CONTENT  # what a file says, once it is decoded
    return not is_content or part.text.isdigit()


def is_guess(found: Finding | Match) -> bool:
    """Return whether a personal value only looks like one."""
    return found.category == "pii" and found.score < _SURE.get(found.entity, _SURE_OF_OTHERS)


def scope_of(
    agent: Agent, provider: str, models: Sequence[str], revision: str, tags: Mapping[str, str] = _NO_TAGS
) -> Scope:
    """Return for whom, to whom and under which policy revision an exchange forwards.

    A part that one scope forwarded is new in every other. The groups and tags belong to it because policy may
    differ by them, and by how an end user is known; the models because another model is another recipient.
    """
    who = (agent.id, agent.owner, agent.on_behalf_of, agent.delegated or "", *_counted(sorted(agent.groups)))
    said = _counted([text for tag in sorted(tags.items()) for text in tag])
    return (*who, *said, provider, *_counted(sorted(models)), revision)


def _counted(names: list[str]) -> tuple[str, ...]:
    """Return the names behind their number, so that no list runs into what follows it."""
    return (str(len(names)), *names)


def mark_history(parts: Sequence[InspectedPart], seen: Set[str], dialect: str) -> tuple[InspectedPart, ...]:
    """Return the prompt's parts, which are all new so far, with history marked; `seen` are its digests."""
    if rpc_of(dialect) or not any(one.digest not in seen and _is_said(dialect, one.part) for one in parts):
        return tuple(parts)  # a call stands alone: what it repeats, it does again
    return tuple(replace(one, new=False) if one.digest in seen else one for one in parts)


def _is_said(dialect: str, part: Part) -> bool:
    """Return whether the part carries the conversation on. Settings, tools and syntax do not."""
    said = part.kind in _SPOKEN or (part.kind == "field" and dialect in UNLABELED)
    return said and part.place in MASKABLE


def _with_masked_pointers(parts: Sequence[InspectedPart]) -> tuple[InspectedPart, ...]:
    """Mask keys with a finding in the pointer of everything below them too."""
    keys = {
        one.part.pointer: escape(one.masked) for one in parts if one.part.place == "key" and holds_value(one)
    }
    if not keys:
        return tuple(parts)

    def shown(pointer: str) -> str:
        tokens = pointer.split("/")
        raw = itertools.accumulate(tokens, lambda above, token: f"{above}/{token}")
        return "/".join(keys.get(at, token) for at, token in zip(raw, tokens, strict=True))

    return tuple(replace(one, masked_pointer=shown(one.part.pointer)) for one in parts)


def _entities(parts: Sequence[InspectedPart]) -> dict[str, int]:
    """Count the findings by entity."""
    return dict(Counter(finding.entity for part in parts for finding in part.findings))
