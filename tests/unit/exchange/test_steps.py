"""What steps hand on: identifiers, and a request as far as it was read."""

from __future__ import annotations

import pytest

from gateway.exchange.steps import Received, new_id


def test_an_id_holds_no_digits() -> None:
    assert not any(letter.isdigit() for letter in new_id("ex"))


@pytest.mark.parametrize("boundary", ["one", "another"])
def test_approvals_are_bound_to_a_form_whatever_its_boundary(boundary: str) -> None:
    form = Received(
        headers={"content-type": f"multipart/form-data; boundary={boundary}", "openai-beta": "v2"}
    )
    assert form.bound_headers == {"content-type": "form", "openai-beta": "v2"}


def test_approvals_are_bound_to_the_headers_of_other_bodies_as_they_are() -> None:
    headers = {"content-type": "application/json", "openai-beta": "v2"}
    assert Received(headers=headers).bound_headers == headers


@pytest.mark.parametrize(
    ("received", "has_one"),
    [
        (Received(), False),
        (Received(body={}), True),
        (Received(unmasked=b"x"), True),
        (Received(body=[]), True),
    ],
)
def test_a_request_has_a_body_even_where_that_is_empty(received: Received, has_one: bool) -> None:
    assert received.has_body is has_one
