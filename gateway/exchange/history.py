"""What counts as history in a prompt, and what has to be judged as new.

A part is history when an exchange of the same scope forwarded it in this session, and the conversation goes
on: the prompt says something that this scope did not forward yet. A prompt that says nothing more is a
repeat, and all of it is new, so that an approval of the same text does not pass it a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.contract import MASKABLE
from gateway.exchange.exchange import Exchange
from gateway.sessions import Scope
from gateway.words import InspectedPart, Part

_SPOKEN = ("text", "tool_call", "tool_result")
_UNLABELED: tuple[str, ...] = ("json", "opaque")  # here everything that is said is a field


def scope_of(exchange: Exchange, revision: str) -> Scope:
    """Return for whom, to whom and under which policy revision the exchange forwards.

    A part that one scope forwarded is new in every other. The groups belong to it because settings may differ
    by group, the models because another model is another recipient.
    """
    agent = exchange.agent
    who = (agent.id, agent.owner, agent.on_behalf_of, *_counted(sorted(agent.groups)))
    return (*who, exchange.provider, *_counted(sorted(exchange.models)), revision)


def mark(exchange: Exchange, parts: Sequence[InspectedPart], revision: str) -> tuple[InspectedPart, ...]:
    """Return the prompt's parts, which are all new so far, with history marked as such."""
    exchange.marked_under = revision
    seen = exchange.session.seen(scope_of(exchange, revision))
    if not any(one.digest not in seen and _is_said(exchange.dialect, one.part) for one in parts):
        return tuple(parts)
    return tuple(replace(one, new=False) if one.digest in seen else one for one in parts)


def unmark(exchange: Exchange, revision: str) -> bool:
    """Make every part new when policy answered under another revision than the parts were marked under.

    Return whether any part was history: policy then has to be asked again.
    """
    if revision == exchange.marked_under or all(one.new for one in exchange.parts):
        return False
    exchange.parts = tuple(replace(one, new=True) for one in exchange.parts)
    return True


def _is_said(dialect: str, part: Part) -> bool:
    """Return whether the part carries the conversation on. Settings, tools and syntax do not."""
    said = part.kind in _SPOKEN or (part.kind == "field" and dialect in _UNLABELED)
    return said and part.place in MASKABLE


def _counted(names: list[str]) -> tuple[str, ...]:
    """Return the names behind their number, so that no list runs into what follows it."""
    return (str(len(names)), *names)
