"""Headers that decide are given once, under their own name; all others pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, Refusal, Unauthenticated
from gateway.identity import api_key, check_names

DECIDING = ("authorization", "x-api-key", "content-type", "x-regate-on-behalf-of", "x-regate-session")
OTHERS = ("accept", "cookie", "user_agent", "openai_beta", "x-forwarded-for", "content-encoding")


@given(st.lists(st.sampled_from(OTHERS)), st.sets(st.sampled_from(DECIDING)))
def test_names_in_any_order_pass_while_those_that_decide_are_there_once(
    others: list[str], deciding: set[str]
) -> None:
    check_names([*others, *deciding, *others])


@given(st.sampled_from(DECIDING), st.lists(st.sampled_from(OTHERS)), st.data())
def test_a_second_one_is_refused_in_any_case_and_spelling(
    name: str, others: list[str], data: st.DataObject
) -> None:
    second = "".join(data.draw(st.sampled_from((each, each.upper()))) for each in name)
    spelled = data.draw(st.sampled_from((second, second.replace("-", "_"))))
    with pytest.raises(Unauthenticated if name in DECIDING[:2] else InvalidRequest):
        check_names([name, *others, spelled])


@given(st.sampled_from([name for name in DECIDING if "-" in name]), st.integers(0, 3))
def test_one_underscore_is_enough_to_refuse(name: str, place: int) -> None:
    words = name.split("-")
    cut = place % (len(words) - 1) + 1
    with pytest.raises(Refusal, match="expected the name"):
        check_names(["-".join(words[:cut]) + "_" + "-".join(words[cut:])])


def test_a_key_may_stand_in_the_header_of_any_sdk() -> None:
    assert api_key({}) is api_key({"x-api-key": " "}) is None
    for name in ("x-api-key", "x-goog-api-key", "api-key"):
        assert api_key({name: " rg_a_b "}) == "rg_a_b"
    assert api_key({"x-api-key": "rg_a_b", "api-key": "rg_a_b"}) == "rg_a_b"
    with pytest.raises(Unauthenticated):
        api_key({"x-api-key": "rg_a_b", "x-goog-api-key": "rg_c_d"})


def test_a_key_may_stand_in_the_query() -> None:
    assert api_key({}, b"alt=sse&key=rg_a_b") == "rg_a_b"
    assert api_key({"x-api-key": "rg_a_b"}, b"key=rg_a_b&monkey=rg_c_d") == "rg_a_b"
    assert api_key({}, b"monkey=rg_c_d&key=") is None
    for headers, query in (({}, b"key=rg_a_b&key=rg_c_d"), ({"api-key": "rg_a_b"}, b"key=rg_c_d")):
        with pytest.raises(Unauthenticated):
            api_key(headers, query)


@pytest.mark.parametrize("name", ["x-goog-api-key", "api-key", "x_goog_api_key", "API_KEY"])
def test_such_a_header_is_given_once_under_its_own_name(name: str) -> None:
    plain = name.lower().replace("_", "-")
    with pytest.raises(Unauthenticated):
        check_names([plain, name])
