"""Cards, IBANs and addresses, with the gaps and neighbors that texts have."""

import re

import pytest
from stdnum import iban, numdb

from gateway.detect import Detector


def found(inspector: Detector, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)]


@pytest.mark.parametrize(
    "text",
    [
        "_jane.roe@acme.org_",
        "*jane.roe@acme.org*",
        "**jane.roe@acme.org**",
        "jane.roe@acme.org.Thanks",
        "jane.roe@acme.org.pdf",
        "jane.roe@acme.org-Thanks",
        "jane.roe@acme.org_old",
        "jane.roe@acme.org.a.b1.c2.d3",
    ],
)
def test_what_is_glued_to_an_address_is_left_off(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == [("EMAIL_ADDRESS", "jane.roe@acme.org")]


@pytest.mark.parametrize(
    "text", ["pip install foo@1.2.3", "@types/node.js", "checkout@v4", "user@host", "a@b.c"]
)
def test_what_has_no_known_suffix_is_no_address(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u2007", "\u3000"])
def test_a_space_of_any_kind_may_part_the_groups(inspector: Detector, space: str) -> None:
    for entity, value in [
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("US_SSN", "078 05 1121"),
        ("PHONE_NUMBER", "+1 415 555 2671"),
    ]:
        assert found(inspector, value.replace(" ", space)) == [(entity, value.replace(" ", space))]


@pytest.mark.parametrize("gap", ["  ", ".", "\n", "\t", "\u2011", "/"])
def test_a_card_may_have_rarer_gaps_between_its_groups(inspector: Detector, gap: str) -> None:
    for groups in (["4111", "1111", "1111", "1111"], ["3782", "822463", "10005"]):
        assert found(inspector, gap.join(groups)) == [("CREDIT_CARD", gap.join(groups))]


def test_an_iban_of_every_country_in_the_registry_is_found(inspector: Detector) -> None:
    made = {}
    for _, country, _, registered, _ in numdb.get("iban").prefixes:
        letters = [(int(count), sign) for count, sign in re.findall(r"(\d+)!([nac])", registered["bban"])]
        account = "".join(("1" if sign == "n" else "A") * count for count, sign in letters)
        made[country] = f"{country}{iban.calc_check_digits(f'{country}00{account}')}{account}"
    assert len(made) > 80
    missed = {
        value for value in made.values() if ("IBAN_CODE", value) not in found(inspector, f"to {value}.")
    }
    assert missed == set()


@pytest.mark.parametrize("gap", ["", "  ", ".", "-", "\n", "\r\n  ", " \n\t", "\\n"])
@pytest.mark.parametrize("written", ["DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"])
def test_an_iban_may_have_rarer_gaps_and_go_on_in_the_next_line(
    inspector: Detector, written: str, gap: str
) -> None:
    for value in (written.replace(" ", gap), written.replace(" ", gap, 2), gap.join(written.rsplit(" ", 2))):
        assert found(inspector, f"to {value}\nand 12") == [("IBAN_CODE", value)]


def test_an_iban_is_not_put_together_over_a_paragraph(inspector: Detector) -> None:
    for gap in ("\n\n", "\n - ", "   "):
        assert "IBAN_CODE" not in dict(found(inspector, f"GB29 NWBK 6016{gap}1331 9268 19"))


def test_a_column_of_numbers_is_no_card(inspector: Detector) -> None:
    for column in (["9999", "4111", "1111", "1111", "1111"], ["4111", "1111", "1111", "1111", "9999"]):
        assert found(inspector, "\n".join(column)) == []
        assert found(inspector, "  ".join(column)) == []


@pytest.mark.parametrize(
    "text",
    [
        '"id": 621444548404508959,',
        "id,name\n621444548404508959,a\n",
        "order_id=6759649826438453 12",
        "FedEx 5040 8484 9802",
        "SIRET 366 776 027 21832",
        "Order 303-3043503-7304005 arrived",
    ],
)
def test_an_id_of_a_rare_length_with_a_right_check_digit_is_no_card(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize("text", ["card 621444548404508959", "621444548404508959", '"id": 4111111111111111'])
def test_a_card_is_found_by_its_name_without_one_and_in_its_usual_length(
    inspector: Detector, text: str
) -> None:
    assert [entity for entity, _ in found(inspector, text)] == ["CREDIT_CARD"]
