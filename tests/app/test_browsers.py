"""Pages of the origins that settings name may call providers; others may not, and none the admin API."""

from __future__ import annotations

import pytest

from tests.support.application import Opened

PAGE = "https://chat.acme.example"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, x-title"}


async def test_a_preflight_is_answered_without_a_key_and_without_a_provider(opened: Opened) -> None:
    async with opened(cors_origins=[PAGE]) as running:
        answer = await running.http.options(
            "/refusing/v1/chat/completions", headers={"origin": PAGE, **ASKED}
        )
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-title" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        other = await running.http.options(
            "/demo/v1/chat/completions", headers={"origin": "https://evil.example", **ASKED}
        )
        assert "access-control-allow-origin" not in other.headers
        asked = running.worker.metrics.exposition().decode()
        assert "regate_exchanges_total{" not in asked


@pytest.mark.parametrize(("origin", "readable"), [(PAGE, True), ("https://evil.example", False)])
async def test_an_answer_may_be_read_by_pages_of_the_list(
    opened: Opened, origin: str, readable: bool
) -> None:
    async with opened(cors_origins=[PAGE]) as running:
        body = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {running.key}", "origin": origin}
        for sent, status in ((headers, 200), ({"origin": origin}, 401)):
            answer = await running.http.post("/demo/v1/chat/completions", json=body, headers=sent)
            assert answer.status_code == status
            assert (answer.headers.get("access-control-allow-origin") == PAGE) is readable


async def test_the_admin_api_and_a_gateway_without_the_list_stay_closed(opened: Opened) -> None:
    async with opened(cors_origins=["*"]) as running:
        answer = await running.http.options("/admin/v1/approvals", headers={"origin": PAGE, **ASKED})
        assert "access-control-allow-origin" not in answer.headers
    async with opened() as running:
        answer = await running.http.options("/demo/v1/models", headers={"origin": PAGE, **ASKED})
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
