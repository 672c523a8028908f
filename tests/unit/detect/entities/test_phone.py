"""Phone numbers: whatever libphonenumber would find, it is asked about."""

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.entities.phone import _plan_of, _Region, _shapes


@settings(max_examples=300, deadline=None)
@given(
    region=st.sampled_from(["US", "GB", "DE", "FR", "IL", "IN", "BR", "IT", "AR", "MX", "RU", "JP"]),
    prefix=st.sampled_from(["", "0", "00", "1", "011", "44", "0044", "49"]),
    data=st.data(),
)
def test_what_the_library_calls_a_number_is_always_asked_about(
    region: str, prefix: str, data: st.DataObject
) -> None:
    kinds = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
    example = phonenumbers.example_number_for_type(region, data.draw(st.sampled_from(kinds)))
    assert example is not None
    tail = data.draw(st.from_regex(r"\d{4}", fullmatch=True))
    for piece in (
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL),
        prefix + str(example.national_number)[:-4] + tail,
        f"12 {prefix} {str(example.national_number)[:-4]}{tail}",
        f"{tail[0]} - {prefix}/{str(example.national_number)[:-4]} ({tail[:2]} - {tail[2:]}",
    ):
        one = _Region(region)
        stock = phonenumbers.PhoneNumberMatcher(piece, region, leniency=phonenumbers.Leniency.VALID)
        first = stock._extract_match(piece, 0)
        shapes = _shapes(piece)
        assert next(one.numbers(piece, ""), None) == (first and (first.start, first.end))
        assert first is None or shapes is None or one.has_room(shapes)


def test_regions_with_one_numbering_plan_are_asked_once() -> None:
    assert _plan_of("US") == _plan_of("CA")
    assert _plan_of("US") != _plan_of("GB")
