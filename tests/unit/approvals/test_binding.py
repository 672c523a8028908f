"""What an approval is for."""

from __future__ import annotations

from dataclasses import fields, replace

from gateway.approvals import Binding
from gateway.words import Delegate
from tests.unit.approvals.conftest import KEY


def test_any_difference_is_another_binding(binding: Binding) -> None:
    """Each field and each name of the asking agent belongs to it."""
    others = [
        replace(binding, **{field.name: "response" if field.name == "phase" else "other"})
        for field in fields(binding)
        if field.name != "agent"
    ]
    others += [
        replace(binding, agent=replace(binding.agent, **{name: "other"}))
        for name in ("id", "owner", "on_behalf_of")
    ]
    proof = (Delegate(binding.agent.on_behalf_of, "https://id.example", "proved"),)
    others.append(replace(binding, agent=replace(binding.agent, delegation=proof)))
    prints = {each.fingerprint(KEY) for each in (binding, *others)}
    assert len(prints) == len(others) + 1
    assert replace(binding).fingerprint(KEY) in prints


def test_text_does_not_move_from_one_field_to_the_next(binding: Binding) -> None:
    """Fields are bound one by one, not as one text."""
    one = replace(binding, path="/a", query="b")
    other = replace(binding, path="/ab", query="")
    assert one.fingerprint(KEY) != other.fingerprint(KEY)
