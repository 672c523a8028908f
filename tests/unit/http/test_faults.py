"""Errors become a status, a code and a message; an unforeseen one gives nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from gateway.approvals import NoSuchPage, UnknownApproval
from gateway.errors import InvalidRequest, StateUnavailable
from gateway.http.faults import Fault, describe
from gateway.oversight import Busy, Forbidden

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "admin-api.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Forbidden("no"), 403, "forbidden"),
        (UnknownApproval("no"), 404, "not_found"),
        (NoSuchPage("no"), 404, "not_found"),
        (InvalidRequest("no"), 400, "invalid_request"),
        (Busy("no"), 503, "busy"),
        (StateUnavailable("no"), 503, "state_unavailable"),
        (HTTPException(405), 405, "method_not_allowed"),
    ],
)
def test_an_error_has_the_status_and_code_of_the_reference(error: Exception, status: int, code: str) -> None:
    assert describe(error)[:2] == (status, code)
    assert f"`{code}`" in REFERENCE


def test_an_unforeseen_error_is_logged_and_gives_nothing_away(caplog: pytest.LogCaptureFixture) -> None:
    fault = describe(ValueError("rg_secret"))
    assert fault == Fault(500, "internal_error", "the gateway failed on this request; its log says why")
    assert "rg_secret" in caplog.text
