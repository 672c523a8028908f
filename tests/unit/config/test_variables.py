"""Environment variables in the configuration."""

from typing import Any

import pytest

from gateway.config.variables import NotExpanded, expand

ENVIRONMENT = {"DATA": "/srv", "WORKERS": "4", "EMPTY": ""}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${DATA}/audit", "/srv/audit"),
        ("${WORKERS}", 4),
        ("${WORKERS} workers", "4 workers"),
        ("${UNSET:-2}", 2),
        ("${EMPTY:-none}", "none"),
        ("$${DATA}", "${DATA}"),
        (["${DATA}", 1], ["/srv", 1]),
        ({"path": "${DATA}"}, {"path": "/srv"}),
    ],
)
def test_a_variable_is_put_in(written: Any, read: Any) -> None:
    assert expand(written, ENVIRONMENT) == read


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"audit": {"path": "${UNSET}"}}, r"\$\.audit\.path"),
        ({"token": "${DATA}"}, r"\$\.token"),
        (["${"], r"\$\.0"),
    ],
)
def test_a_variable_that_cannot_be_put_in_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(NotExpanded, match=place):
        expand(document, ENVIRONMENT)
