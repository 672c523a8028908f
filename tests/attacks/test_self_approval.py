"""What an attacker wanted: to approve what they ask for themselves, under a name that looks the same."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.approvals import Approval, Binding, MayNotDecide, same_person
from gateway.approvals.people import person
from gateway.contract.decision import ApprovalTerms
from gateway.state import KeyRow
from gateway.words import Agent
from tests.support.contents import told
from tests.support.desk import Desk, open_desk

NAME = "ana-maria loos"
LOOK_ALIKES = [
    "ana\u2011maria loos",  # a non-breaking hyphen
    "ana\u2010maria loos",
    "ana\u2013maria\u00a0loos",
    "anamaria loos",
    "ana.maria.loos",
    "Ana-Maria Loos",
    "ANA-MARIA LOOS",
    "ａｎａ－ｍａｒｉａ\u3000ｌｏｏｓ",
    "\u0430na-maria loos",  # Cyrillic letters
    "ana-mari\u0430 l\u043e\u043es",
    "ana-m\u03b1ria l\u03bf\u03bfs",  # Greek ones
    "ana-maria l00s",
    "ana-maria 1oos",
    "ana-maria Ioos",  # a capital i
    "ana-maria |oos",
    "ána-máriä loös",
    "ana-maria łøøs",
    "ana-maria l\u0585\u0585s",  # Armenian
    "𝒶𝓃𝒶-𝓂𝒶𝓇𝒾𝒶 𝓁𝑜𝑜𝓈",
    "ᴀna-maria loos",
    "ana-maria\u200b loos",
    "ana\u00adma\u2060ria loos",
    "ana\u3164maria loos",
    "ana-rnaria loos",
    "ana\u02bcmaria loos",  # a letter apostrophe, which is no punctuation to Unicode
    "ana\ua78cmaria loos",
    "ana-maria loos\u01c3",
    "ana-ma\u0640ria loos",  # stretches Arabic words
    "ana\u17b4-maria loos",  # a letter that shows nothing
]
OTHERS = [
    "bob", "ana", "ana-maria", "ana-mario loos", "ana-maria loos jr", "Анна-Мария", "山田太郎", "राम", "रमा",
]  # fmt: skip
KEYS = [name for name in LOOK_ALIKES if name.isprintable()]  # no key is made for the others


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def ask(desk: Desk, owner: str, on_behalf_of: str = "", **terms: Any) -> Approval:
    row, _ = desk.key(owner, "agent", agent="coder")
    agent = Agent("coder", owner, "api_key", ("default",), on_behalf_of=on_behalf_of, key_id=row.id)
    return await desk.oversight.approvals.hold(
        Binding(agent, "POST", "/v1/chat/completions", "", "openai", "request", "d1"),
        ApprovalTerms(**terms),
        revision="r1",
        exchange_id="ex_1",
        session_id="se_1",
        reasons=[],
        contents=told("user: hello"),
    )


async def verdict(desk: Desk, approval: Approval, key: KeyRow) -> Approval:
    return await desk.oversight.approvals.decide(approval.id, key, "approve", "")


async def test_an_owner_does_not_approve_under_a_look_alike_of_their_name(desk: Desk) -> None:
    """Every spelling that looks like the owner's is the owner's."""
    approval = await ask(desk, NAME)
    for name in KEYS:
        with pytest.raises(MayNotDecide, match="owns the key"):
            await verdict(desk, approval, desk.key(name)[0])


async def test_an_end_user_does_not_approve_under_a_look_alike_of_their_name(desk: Desk) -> None:
    """The person for whom an agent asks is compared like the owner."""
    approval = await ask(desk, "somebody", on_behalf_of=NAME)
    for name in KEYS:
        with pytest.raises(MayNotDecide, match="is the end user"):
            await verdict(desk, approval, desk.key(name)[0])


async def test_one_person_is_not_a_quorum(desk: Desk) -> None:
    """Look-alikes of one name count as one vote."""
    approval = await ask(desk, "somebody", quorum=2)
    for name in [NAME, *KEYS]:
        voted = await verdict(desk, approval, desk.key(name)[0])
        assert (voted.status, len(voted.approvers)) == ("pending", 1), name
    assert (await verdict(desk, approval, desk.key("bob")[0])).status == "approved"


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_no_look_alike_is_another_person(name: str) -> None:
    """Also those that no key is made for count as one person."""
    assert same_person(NAME, name)


@pytest.mark.parametrize("name", OTHERS)
def test_other_people_are_not_taken_for_the_owner(name: str) -> None:
    """Honest names stay apart, in any script."""
    assert not same_person(NAME, name)
    assert sum(same_person(name, other) for other in OTHERS) == 1


def test_an_end_user_who_is_not_named_is_not_a_person() -> None:
    """An empty name equals none, itself included."""
    assert not same_person("", "")
    assert not same_person("\u2011", "")
    assert same_person("\u2011", "\u2011")


_LETTERS = st.text(st.sampled_from("abcdefghijkmnopqstuxyz"), min_size=3, max_size=12)
_NOISE = st.characters(whitelist_categories=["Zs", "Pd", "Pc", "Po", "Cf", "Mn"], max_codepoint=0x2FFF)


@given(_LETTERS, st.data())
def test_no_punctuation_accent_or_invisible_character_makes_another_person(name: str, data: Any) -> None:
    """Whatever is strewn into a name and changes no letter leaves the person the same."""
    place = data.draw(st.integers(1, len(name)))
    noise = data.draw(_NOISE)
    spells = unicodedata.category(noise) == "Mn" and not unicodedata.combining(noise)
    # a vowel sign is a letter of its script, and a sign that is a letter in upper case is one too
    assume(not spells and not noise.upper().isalpha())
    changed = name[:place] + noise + name[place:]
    assert same_person(name, changed)
    assert same_person(name, data.draw(st.sampled_from([changed.upper(), changed.title()])))


@given(st.text(max_size=30))
def test_comparing_people_is_stable(name: str) -> None:
    """What a name is compared by is compared by itself, and case and width do not change it."""
    assert person(person(name)) == person(name)
    assert person(unicodedata.normalize("NFKC", name)) == person(name) or not any(map(str.isalnum, name))
