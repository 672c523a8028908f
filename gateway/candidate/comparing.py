"""How one decision differs from another about the same input, and which differences `--fail-on` refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from gateway.contract import ACTIONS, Action, Decision
from gateway.errors import ConfigError, RegateError

ERROR = "error"
"""What stands in the place of an action where a policy failed: undefined, malformed, broken, too late."""

_ANY = "any"


@dataclass(frozen=True, slots=True, order=True)
class Transition:
    """From one outcome to another: actions, or `error`. `changed` is what differs within the same action."""

    before: str
    after: str
    changed: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return self.before == self.after and not self.changed


def compare(before: Decision, after: Decision | RegateError) -> Transition:
    """Return the transition from what was decided to what a candidate says."""
    if isinstance(after, RegateError):
        return Transition(before.action, ERROR)
    if before.action != after.action:
        return Transition(before.action, after.action)
    return Transition(before.action, after.action, tuple(_changed(before, after)))


def _changed(before: Decision, after: Decision) -> list[str]:
    """Return what differs of the fields that matter to this action."""
    telling = ["reasons", "warnings", "record", "response"]
    if before.action != "deny":
        telling.append("mask")
    if before.action == "require_approval":
        telling.append("approval")
    return [name for name in telling if getattr(before, name) != getattr(after, name)]


@dataclass(frozen=True, slots=True)
class FailOn:
    """Transitions that must not be: `allow:deny`; `any` stands for every outcome, but for no change.

    The same action twice (`mask:mask`) stands for another decision with that action.
    """

    before: str
    after: str

    def refuses(self, transition: Transition) -> bool:
        if self.before == self.after != _ANY:
            return transition.before == transition.after == self.before and not transition.same
        return (
            transition.before != transition.after
            and self.before in (_ANY, transition.before)
            and self.after in (_ANY, transition.after)
        )


def parse_fail_on(text: str) -> tuple[FailOn, ...]:
    """Parse `allow:deny,any:error`. Raises ConfigError, naming the piece that is malformed."""
    return tuple(_gate(piece.strip()) for piece in text.split(",")) if text.strip() else ()


def _gate(piece: str) -> FailOn:
    before, colon, after = piece.partition(":")
    if not colon or before not in (*ACTIONS, _ANY) or after not in (*ACTIONS, ERROR, _ANY):
        raise ConfigError(
            f"--fail-on: found {piece!r}, expected FROM:TO of {', '.join(get_args(Action))}, any; "
            f"TO can be {ERROR} as well"
        )
    return FailOn(before, after)


def refused(gates: Sequence[FailOn], transition: Transition) -> bool:
    return any(gate.refuses(transition) for gate in gates)
