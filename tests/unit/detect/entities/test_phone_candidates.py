"""What is asked about as a phone number: not ids, versions, dates and clock readings beside one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.phonenumbermatcher import _PATTERN  # type: ignore[attr-defined]  # private, not in its stubs

from gateway.detect import Detector
from gateway.detect.entities.phone_candidates import _next


def found(inspector: Detector, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)]


@pytest.mark.parametrize(
    "before",
    [
        "tel",
        "tel_",
        "phone:",
        "phone_number_",
        "customer_phone_",
        "customerPhone",
        "fax",
        "dial(",
        "order_12 tel ",
    ],
)
def test_a_phone_number_behind_a_telling_word_is_found(inspector: Detector, before: str) -> None:
    assert found(inspector, f"{before}4155552671") == [("PHONE_NUMBER", "4155552671")]


@pytest.mark.parametrize(
    "text",
    [
        "call_9f8e7d6c5b4a3210",
        "id_1234567890",
        "id_4155552671",
        "user_id_4155552671",
        "chatcmpl_4155552671",
        "hotel4155552671",
        "4155552671_report",
        "lib_1.2.3.4",
        "v_10.2.3.4",
        "0.4155552671",
        "2024-01-15-4155552671",
        "2024-01-15 10:11:12",
        "1763802000 1763802000123",
    ],
)
def test_ids_versions_and_clock_readings_stay_ordinary(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize(
    "before",
    ["2024-01-15", "20240115", "15.01.2024", "01/15/2024", "2024/01/15", "1763802000123", "10:11:12"],
)
@pytest.mark.parametrize("number", ["415-555-2671", "(415) 555-2671", "+1 415 555 2671"])
def test_a_date_before_or_behind_a_phone_number_does_not_hide_it(
    inspector: Detector, before: str, number: str
) -> None:
    assert ("PHONE_NUMBER", number) in found(inspector, f"Order {before} {number}")
    assert ("PHONE_NUMBER", number) in found(inspector, f"{number}, {before}")


@given(text=st.text(st.sampled_from("+([ )-./x19٣a\n"), max_size=40), at=st.integers(0, 8))
def test_the_next_candidate_is_the_library_s(text: str, at: int) -> None:
    """It is looked for only where one may begin."""
    theirs, ours = _PATTERN.search(text, at), _next(text, at)
    assert (ours and ours.span()) == (theirs and theirs.span())
