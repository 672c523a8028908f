"""The admin API, over HTTP, on real state, journal and evidence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.audit.verifying.verification import verify
from gateway.config import load_config
from gateway.errors import RecordingFailed
from gateway.http.admin import admin_routes
from gateway.http.app import create_app, open_worker
from gateway.identity import create_key
from gateway.oversight import Busy, Evidence, NewKey
from gateway.state import Keys, ToolPins
from tests.support.configuration import SHIPPED
from tests.support.desk import Desk


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=admin_routes(desk.oversight)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway/admin/v1") as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def error(response: httpx.Response) -> tuple[int, str]:
    """Status and code; the shape is checked on the way."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, body["error"]["code"]


async def test_a_key_learns_what_it_may(desk: Desk, http: httpx.AsyncClient) -> None:
    row, key = desk.key("bob", groups=("security",))
    answer = await http.get("/whoami", headers={"x-api-key": key})
    assert answer.json() == {
        "id": row.id,
        "agent": "desk",
        "owner": "bob",
        "role": "approver",
        "groups": ["security"],
        "rights": ["approvals", "decide"],
    }


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic x"}, {"x-api-key": "rg_a_b"}])
async def test_without_a_key_nothing_is_told(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/whoami"), ("GET", "/approvals/x"), ("POST", "/sql")):
        answer = await http.request(method, path, headers=headers)
        assert error(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_or_revoked_key_is_unknown(desk: Desk, http: httpx.AsyncClient) -> None:
    _, expired = desk.key("bob", now=time.time() - 100, expires_seconds=50)
    row, revoked = desk.key("bob")
    Keys(desk.state).revoke(row.id, time.time())
    for key in (expired, revoked):
        assert error(await http.get("/whoami", headers=bearer(key))) == (401, "unauthenticated")


ENDPOINTS = {
    "approvals": [("GET", "/approvals"), ("GET", "/approvals/ap_none")],
    "decide": [("POST", "/approvals/ap_none/approve"), ("POST", "/approvals/ap_none/deny")],
    "evidence": [
        ("GET", "/sessions"),
        ("GET", "/sessions/se_none"),
        ("GET", "/exchanges"),
        ("GET", "/exchanges/ex_none"),
        ("POST", "/sql"),
    ],
    "policy": [("GET", "/policy"), ("GET", "/tools")],
    "tools": [("POST", "/tools/forget")],
    "keys": [("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/none")],
}
MAY = {
    "agent": {"approvals"},  # its own
    "approver": {"approvals", "decide"},
    "auditor": {"evidence", "policy"},
    "admin": set(ENDPOINTS),
    "opa": set(),
}


@pytest.mark.parametrize("role", MAY)
async def test_each_role_may_do_what_it_is_for(desk: Desk, http: httpx.AsyncClient, role: Any) -> None:
    _, key = desk.key("bob", role)
    for right, calls in ENDPOINTS.items():
        for method, path in calls:
            answer = await http.request(method, path, headers=bearer(key))
            assert (answer.status_code == 403) == (right not in MAY[role]), (role, method, path)
            if answer.status_code == 403:
                assert error(answer)[1] == "forbidden"


async def test_an_approver_sees_and_approves(desk: Desk, http: httpx.AsyncClient) -> None:
    asking, _ = desk.key("ana", "agent", agent="coder")
    _, key = desk.key("bob")
    waiting = await desk.ask(asking)
    listed = (await http.get("/approvals?status=pending", headers=bearer(key))).json()["approvals"]
    assert [approval["id"] for approval in listed] == [waiting.id]
    answer = await http.post(
        f"/approvals/{waiting.id}/approve", headers=bearer(key), json={"note": "ticket 7"}
    )
    assert answer.status_code == 200
    shown = (await http.get(f"/approvals/{waiting.id}", headers=bearer(key))).json()
    assert shown == answer.json()
    assert (shown["status"], shown["approvers"], shown["note"]) == ("approved", ["bob"], "ticket 7")
    assert (await http.get("/approvals?status=pending", headers=bearer(key))).json() == {"approvals": []}


async def test_a_verdict_that_does_not_count_says_why(desk: Desk, http: httpx.AsyncClient) -> None:
    asking, _ = desk.key("ana", "agent")
    _, own = desk.key("Ana")
    _, other = desk.key("bob", groups=("default",))
    waiting = await desk.ask(asking, groups=("security",))
    path = f"/approvals/{waiting.id}/approve"
    assert error(await http.post(path, headers=bearer(own), json={})) == (403, "may_not_decide")
    assert error(await http.post(path, headers=bearer(other), json={})) == (403, "may_not_decide")
    unknown = await http.post("/approvals/ap_none/approve", headers=bearer(other), json={})
    assert error(unknown) == (404, "not_found")
    open_one = await desk.ask(asking, "user: another")
    path = f"/approvals/{open_one.id}/deny"
    too_long = await http.post(path, headers=bearer(other), json={"note": "x" * 2001})
    assert error(too_long) == (422, "invalid_value")
    assert (await http.post(path, headers=bearer(other), json={})).json()["status"] == "denied"
    assert error(await http.post(path, headers=bearer(other), json={})) == (409, "approval_closed")


async def test_an_agent_reads_its_own_approvals_only(desk: Desk, http: httpx.AsyncClient) -> None:
    mine, key = desk.key("ana", "agent", agent="coder")
    others = [desk.key("eve", "agent", agent="coder")[0], desk.key("ana", "agent", agent="writer")[0]]
    own = await desk.ask(mine)
    foreign = [await desk.ask(row, f"user: {row.id}") for row in others]
    listed = (await http.get("/approvals", headers=bearer(key))).json()["approvals"]
    assert [approval["id"] for approval in listed] == [own.id]
    assert (await http.get(f"/approvals/{own.id}", headers=bearer(key))).status_code == 200
    for approval in foreign:
        assert error(await http.get(f"/approvals/{approval.id}", headers=bearer(key))) == (404, "not_found")
    assert error(await http.post(f"/approvals/{own.id}/approve", headers=bearer(key), json={})) == (
        403,
        "forbidden",
    )


async def test_bodies_are_checked_before_they_count(desk: Desk, http: httpx.AsyncClient) -> None:
    asking, _ = desk.key("ana", "agent")
    _, key = desk.key("bob")
    path = f"/approvals/{(await desk.ask(asking)).id}/approve"

    async def post(content: Any, media_type: str = "application/json") -> tuple[int, str]:
        headers = bearer(key) | {"content-type": media_type}
        return error(await http.post(path, headers=headers, content=content))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024

    assert await post(b"{}", "text/plain") == (415, "unsupported_media_type")
    assert await post(b"note=yes", "application/x-www-form-urlencoded") == (415, "unsupported_media_type")
    assert await post(b"{") == (400, "invalid_request")
    assert await post(b'{"note": "a", "note": "b"}') == (400, "invalid_request")
    assert await post(b'{"note": "\\ud800"}') == (400, "invalid_request")
    assert await post(b"[" * 5000) == (400, "invalid_request")
    assert await post(b'{"remark": "x"}') == (422, "invalid_value")
    assert await post(b'{"note": 7}') == (422, "invalid_value")
    assert await post(b" " * 65_537) == (413, "body_too_large")
    assert await post(endless()) == (413, "body_too_large")
    assert (await http.get(path.removesuffix("/approve"), headers=bearer(key))).json()["status"] == "pending"


async def test_what_is_not_there_is_said_in_json(desk: Desk, http: httpx.AsyncClient) -> None:
    _, key = desk.key("root", "admin")
    for path in ("/nothing", "/approvals/", "/approvals/a%2Fb", "/sessions/x", "/exchanges/' OR 1=1 --"):
        assert error(await http.get(path, headers=bearer(key))) == (404, "not_found")
    answer = await http.put("/keys", headers=bearer(key))
    assert error(answer) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    for query in ("approvals?status=open", "exchanges?limit=0", "exchanges?limit=1001", "sessions?limit=²"):
        assert error(await http.get(f"/{query}", headers=bearer(key))) == (422, "invalid_value")


async def test_an_auditor_reads_the_evidence(desk: Desk, http: httpx.AsyncClient) -> None:
    _, key = desk.key("erin", "auditor")
    await desk.exchange("ex_1", "Write to <EMAIL_ADDRESS_abc234>", "Dear <EMAIL_ADDRESS_abc234>")
    await desk.exchange("ex_2", "again", session_id="se_two", agent="writer")

    async def get(path: str) -> Any:
        answer = await http.get(path, headers=bearer(key))
        assert answer.status_code == 200, answer.text
        return answer.json()

    exchanges = (await get("/exchanges"))["exchanges"]
    assert [exchange["exchange_id"] for exchange in exchanges] == ["ex_2", "ex_1"]
    assert exchanges[0]["reasons"][0]["rule"] == "bulk.personal_values"
    for query in ("session=se_two", "agent=writer", "limit=1"):
        assert [e["exchange_id"] for e in (await get(f"/exchanges?{query}"))["exchanges"]] == ["ex_2"]
    assert (await get("/exchanges?action=deny"))["exchanges"] == []
    shown = await get("/exchanges/ex_1")
    assert [part["text"] for part in shown["prompt"]] == ["Write to <EMAIL_ADDRESS_abc234>"]
    assert [part["text"] for part in shown["completion"]] == ["Dear <EMAIL_ADDRESS_abc234>"]
    assert [(d["action"], d["duration_ms"]) for d in shown["decisions"]] == [("mask", 4.5)]
    assert (shown["state"], shown["duration_ms"], shown["truncated"]) == ("completed", 12.5, False)
    assert {s["session_id"] for s in (await get("/sessions"))["sessions"]} == {"se_one", "se_two"}
    session = await get("/sessions/se_one")
    assert [exchange["exchange_id"] for exchange in session["exchanges"]] == ["ex_1"]


async def test_sql_is_one_select_within_bounds(desk: Desk, http: httpx.AsyncClient) -> None:
    _, key = desk.key("erin", "auditor")
    await desk.exchange("ex_1", "hello")

    async def ask(query: str) -> httpx.Response:
        return await http.post("/sql", headers=bearer(key), json={"query": query})

    answer = (
        await ask("SELECT agent, 2::HUGEINT ** 70 > 0 AS big, count(*) AS n FROM exchanges GROUP BY ALL")
    ).json()
    assert answer["rows"] == [["coder", True, 1]]
    assert answer["columns"][2] == {"name": "n", "type": "BIGINT"}
    assert answer["truncated"] is False
    many = (await ask("SELECT * FROM range(5000)")).json()
    assert (len(many["rows"]), many["truncated"]) == (1000, True)
    large = (await ask("SELECT repeat('x', 1000000) FROM range(100)")).json()
    assert (len(large["rows"]), large["truncated"]) == (8, True)
    assert error(await ask("DELETE FROM records")) == (422, "query_refused")
    assert error(await ask("SELECT 1; SELECT 2")) == (422, "query_refused")
    assert error(await ask("SELECT * FROM read_text('/etc/passwd')")) == (422, "query_failed")
    assert error(await ask("SELEC")) == (422, "query_failed")


async def test_only_two_queries_run_and_few_wait(desk: Desk) -> None:
    evidence = Evidence(desk.audit, children=1, waiting=1)
    slow = [asyncio.create_task(evidence.sql(f"SELECT {n}")) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await evidence.sql("SELECT 3")
    slow[1].cancel()  # somebody who leaves does not free a place while the child runs
    with pytest.raises(Busy):
        await evidence.sql("SELECT 3")
    assert (await slow[0]).rows == [[0]]
    while True:
        try:
            assert (await evidence.sql("SELECT 3")).rows == [[3]]
            break
        except Busy:
            await asyncio.sleep(0.05)


async def test_an_admin_makes_lists_and_revokes_keys(desk: Desk, http: httpx.AsyncClient) -> None:
    admin, key = desk.key("root", "admin")
    wanted = {"agent": "coder", "owner": "ana", "groups": ["team-a"], "expires_seconds": 3600}
    answer = await http.post("/keys", headers=bearer(key), json=wanted)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["role"], made["groups"], made["status"]) == ("agent", ["team-a"], "active")
    assert (await http.get("/whoami", headers=bearer(made["key"]))).json()["agent"] == "coder"
    listing = await http.get("/keys", headers=bearer(key))
    assert made["key"] not in listing.text
    assert {row["id"] for row in listing.json()["keys"]} == {admin.id, made["id"]}
    asking = Keys(desk.state).find(made["id"])
    assert asking is not None
    waiting = await desk.ask(asking)
    gone = await http.delete(f"/keys/{made['id']}", headers=bearer(key))
    assert (gone.json()["status"], gone.json()["cancelled_approvals"]) == ("revoked", 1)
    assert error(await http.delete(f"/keys/{made['id']}", headers=bearer(key))) == (404, "not_found")
    await asyncio.sleep(0.6)
    assert error(await http.get("/whoami", headers=bearer(made["key"]))) == (401, "unauthenticated")
    cancelled = await desk.oversight.approvals.read(waiting.id)
    assert cancelled is not None
    assert cancelled.status == "cancelled"
    records = await asyncio.to_thread(desk.records)
    assert [(row["code"], row["id"], row["by"]) for row in records] == [
        ("key_created", made["id"], "root"),
        ("key_revoked", made["id"], "root"),
    ]
    assert made["key"] not in str(records)


async def test_a_key_that_cannot_be_recorded_is_not_given_out(desk: Desk, http: httpx.AsyncClient) -> None:
    class Broken:
        async def record(self, record: object) -> None:
            raise RecordingFailed("the disk is full")

    admin, _ = desk.key("root", "admin")
    keys = desk.oversight.keys
    broken = type(keys)(Keys(desk.state), desk.oversight.approvals, Broken())
    with pytest.raises(RecordingFailed):
        await broken.create(admin, NewKey("coder", "ana"))
    (row,) = [row for row in await keys.list() if row["agent"] == "coder"]
    assert row["status"] == "revoked"


@pytest.mark.parametrize(
    "wanted",
    [
        {"agent": "", "owner": "ana"},
        {"agent": "a"},
        {"agent": "a", "owner": "b", "role": "king"},
        {"agent": "a", "owner": "b", "groups": []},
        {"agent": "a", "owner": "b", "expires_seconds": 0},
        {"agent": "a", "owner": "b", "role": "admin", "delegate": True},
        {"agent": "a", "owner": "b", "digest": "x"},
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(
    desk: Desk, http: httpx.AsyncClient, wanted: dict[str, Any]
) -> None:
    _, key = desk.key("root", "admin")
    assert error(await http.post("/keys", headers=bearer(key), json=wanted)) == (422, "invalid_value")
    assert len(Keys(desk.state).list()) == 1


async def test_policy_status_names_engine_and_revision(desk: Desk, http: httpx.AsyncClient) -> None:
    _, key = desk.key("erin", "auditor")
    before = (await http.get("/policy", headers=bearer(key))).json()
    assert (before["ready"], before["revision"], before["loaded_at"]) == (False, "", "")
    await desk.oversight.policies.start()
    after = (await http.get("/policy", headers=bearer(key))).json()
    assert after["engine"] in ("sidecar", "embedded")
    assert (after["ready"], after["error"]) == (True, "")
    assert after["revision"]
    assert after["loaded_at"].endswith("Z")


async def test_an_unforeseen_fault_tells_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    _, key = desk.key("erin", "auditor")
    broken = replace(desk.oversight, policies=None)  # type: ignore[arg-type]  # a fault, on purpose
    transport = httpx.ASGITransport(Starlette(routes=admin_routes(broken)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway/admin/v1") as client:
        answer = await client.get("/policy", headers=bearer(key))
    assert error(answer) == (500, "internal_error")
    assert "NoneType" not in answer.text
    assert "unforeseen fault" in caplog.text


async def test_the_gateway_serves_it_beside_the_data_path(tmp_path: Path) -> None:
    path = tmp_path / "regate.yaml"
    path.write_text(
        f"providers: {{demo: {{family: openai, base_url: 'builtin:demo'}}}}\npolicy: {{path: {SHIPPED}}}\n"
    )
    config = load_config(path)
    async with open_worker(config) as worker:
        _, agent = create_key(worker.keys, agent="coder", owner="ana", now=time.time())
        _, admin = create_key(worker.keys, agent="desk", owner="bob", role="admin", now=time.time())
        transport = httpx.ASGITransport(create_app(config, worker))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=30) as client:
            secrets = {"model": "demo", "messages": [{"role": "user", "content": _many_addresses()}]}
            held = asyncio.create_task(
                client.post("/demo/v1/chat/completions", headers=bearer(agent), json=secrets)
            )
            waiting: list[Any] = []
            while not waiting:
                await asyncio.sleep(0.05)
                found = await client.get("/admin/v1/approvals?status=pending", headers=bearer(agent))
                waiting = found.json()["approvals"]
            decided = await client.post(
                f"/admin/v1/approvals/{waiting[0]['id']}/approve", headers=bearer(admin), json={"note": "ok"}
            )
            assert decided.json()["status"] == "approved"
            assert (await held).status_code == 200
            exchanges = await client.get("/admin/v1/exchanges", headers=bearer(admin))
            assert exchanges.json()["exchanges"][0]["approval_id"] == waiting[0]["id"]
            assert "person1@" not in exchanges.text
            page = await client.get("/console", follow_redirects=True)
            assert page.url.path == "/console/login"
            assert page.status_code == 200
    report = await asyncio.to_thread(verify, config.audit_path, config.evidence_key_path.with_suffix(".pub"))
    assert report.intact


def _many_addresses() -> str:
    return ", ".join(f"person{number}@example{number}.org" for number in range(30))


async def test_an_admin_sees_pins_and_forgets_one(desk: Desk, http: httpx.AsyncClient) -> None:
    _, auditor = desk.key("aud", "auditor")
    _, admin = desk.key("ada", "admin")
    await ToolPins(desk.state).keep("office/mcp", {"send": "d1"})
    [pin] = (await http.get("/tools", headers=bearer(auditor))).json()["tools"]
    assert (pin["server"], pin["tool"], pin["digest"]) == ("office/mcp", "send", "d1")
    named = {"server": "office/mcp", "tool": "send"}
    assert (await http.post("/tools/forget", headers=bearer(admin), json=named)).json() == pin
    assert error(await http.post("/tools/forget", headers=bearer(admin), json=named)) == (404, "not_found")
    assert (await http.get("/tools", headers=bearer(admin))).json() == {"tools": []}
