"""A browser without JavaScript at the console's pages."""

from __future__ import annotations

import re

import httpx


class Browser:
    """A person at the pages: keeps cookies, fills in forms with the token that they carry."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def see(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path, follow_redirects=True)
        assert answer.status_code == status, answer.text
        return answer.text

    async def sign_in(self, key: str, **fields: str) -> httpx.Response:
        page = await self.see("/console/login")
        form = {"token": token(page), "key": key, **fields}
        return await self.client.post("/console/login", data=form)

    async def decide(self, approval_id: str, verdict: str, note: str = "") -> httpx.Response:
        path = f"/console/approvals/{approval_id}"
        form = {"token": token(await self.see("/console/approvals")), "verdict": verdict, "note": note}
        return await self.client.post(path, data=form)


def token(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]
