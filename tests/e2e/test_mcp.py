"""The official SDK for MCP, unmodified, talks through a real gateway to a server of the same SDK."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import ElicitRequestParams, ElicitResult, TextContent

from gateway.policy import load_source
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.gateway import GatewayProcess
from tests.support.mcp_tasks import GetTask, Got, TaskParams, Waits
from tests.support.prefork import ROOT
from tests.support.waiting import PATIENCE_SECONDS

GUIDE = (ROOT / "docs/guides/mcp.md").read_text()
CONFIGURED, CLIENT, SETTINGS = re.findall(r"^```\w+\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
MODERN, LEGACY = "2026-07-28", "legacy"
ADDRESS = "jane.roe@acme.org"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mcp_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    process.communicate()


@pytest.fixture(scope="module")
def governed(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the shipped policy, whose holds end at once."""
    folder = tmp_path_factory.mktemp("mcp")
    settings = {"approval": {"wait_seconds": 0}}
    policy = policy_copy(folder, settings)
    providers = yaml.safe_load(CONFIGURED)["providers"]
    providers["office"] |= {"base_url": server, "credential": "env:UPSTREAM_KEY"}
    config = configuration(server, engine=any_engine(), policy=policy, providers=providers)
    process = GatewayProcess(folder, config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def key(governed: GatewayProcess) -> str:
    return governed.create_key("agent-one", "ana")


@pytest.fixture(scope="module")
def approver(governed: GatewayProcess) -> str:
    return governed.create_key("approver", "bea", role="approver")


def approve(governed: GatewayProcess, approval_id: str, approver: str) -> None:
    answer = httpx2.post(
        f"{governed.url}/admin/v1/approvals/{approval_id}/approve",
        json={"note": "fine"},
        headers={"authorization": f"Bearer {approver}"},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def connected(governed: GatewayProcess, key: str, mode: str, **options: Any) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        headers=headers, timeout=PATIENCE_SECONDS, trust_env=False, verify=False
    ) as http:
        transport = streamable_http_client(f"{governed.url}/office/mcp", http_client=http)
        async with Client(transport, mode=mode, **options) as client:
            yield client


async def said(client: Client, tool: str, /, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def denied(client: Client, tool: str, /, **arguments: Any) -> Any:
    with pytest.raises(MCPError) as refused:
        await client.call_tool(tool, arguments)
    return refused.value.error


async def test_who_subscribes_to_a_resource_hears_of_its_changes(governed: GatewayProcess, key: str) -> None:
    async with (
        connected(governed, key, MODERN) as listening,
        connected(governed, key, MODERN) as acting,
        listening.listen(resource_subscriptions=["note://today"]) as changes,
    ):
        assert changes.honored is not None
        assert await said(acting, "note") == "noted"
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await anext(changes) == ResourceUpdated(uri="note://today")


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
async def test_an_agent_uses_a_server_as_ever(governed: GatewayProcess, key: str, mode: str) -> None:
    async with connected(governed, key, mode) as client:
        tools = await client.list_tools()
        assert {"send_mail", "run", "count"} <= {tool.name for tool in tools.tools}
        assert [str(one.uri) for one in (await client.list_resources()).resources] == ["note://today"]
        (note,) = (await client.read_resource("note://today")).contents
        assert note.text == "Call Ana."
        (greeting,) = (await client.get_prompt("greet", {"name": "Bob"})).messages
        assert greeting.content.text == "Say hello to Bob."

        steps: list[float] = []

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        counted = await client.call_tool("count", {"upto": 3}, progress_callback=progressed)
        assert (counted.content[0].text, steps) == ("counted to 3", [0, 1, 2])


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
async def test_a_value_is_masked_for_the_server_and_comes_back_in_its_answer(
    governed: GatewayProcess, key: str, mode: str
) -> None:
    async with connected(governed, key, mode) as client:
        assert (
            await said(client, "send_mail", to=ADDRESS, text="hello")
            == f"sent to {ADDRESS}, and 5 letters with it"
        )
        calls = await said(client, "called")
    assert ADDRESS not in calls
    assert "send_mail <EMAIL_ADDRESS_" in calls


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
async def test_a_call_on_the_lists_is_an_error_of_the_protocol(
    governed: GatewayProcess, key: str, mode: str
) -> None:
    async with connected(governed, key, mode) as client:
        refusal = await denied(client, "drop_database", name="crm")
        held = await denied(client, "run", command="rm -rf /srv")
        calls = await said(client, "called")
    assert [reason["rule"] for reason in refusal.data["reasons"]] == ["tools.denied"]
    assert refusal.data["code"] == "policy_denied"
    assert refusal.data["decision_id"]
    assert held.data["code"] == "approval_required"
    assert "drop_database" not in calls
    assert "rm -rf" not in calls


async def test_an_approved_call_passes_once_though_its_id_is_another(
    governed: GatewayProcess, key: str, approver: str
) -> None:
    async with connected(governed, key, MODERN) as client:
        held = await denied(client, "run", command="rm -rf /tmp/build")
        approve(governed, held.data["approval_id"], approver)
        assert await said(client, "run", command="rm -rf /tmp/build") == "done"
        again = await denied(client, "run", command="rm -rf /tmp/build")
    assert again.data["approval_id"] != held.data["approval_id"]


async def test_what_a_page_tells_the_model_to_do_waits_for_a_person(
    governed: GatewayProcess, key: str, approver: str
) -> None:
    async with connected(governed, key, LEGACY) as client:
        held = await denied(client, "fetch")
        assert [reason["rule"] for reason in held.data["reasons"]] == ["injection.require_approval"]
        approve(governed, held.data["approval_id"], approver)
        assert "Ignore all previous" in await said(client, "fetch")


async def test_a_server_may_ask_the_user(governed: GatewayProcess, key: str) -> None:
    async def answered(_: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"team": params.message})

    async with connected(governed, key, LEGACY, elicitation_callback=answered) as client:
        assert "Which team?" in await said(client, "ask")


async def test_a_tool_that_says_something_else_of_itself_waits_for_a_person(
    governed: GatewayProcess, key: str, approver: str
) -> None:
    async with connected(governed, key, MODERN, cache=None) as client:
        before = await client.list_tools()
        assert await said(client, "repaint") == "repainted"
        with pytest.raises(MCPError) as refused:
            await client.list_tools()
        (reason,) = refused.value.error.data["reasons"]
        assert "TOOL_CHANGED" in reason["message"]
        approval = refused.value.error.data["approval_id"]
        approve(governed, approval, approver)
        after = await client.list_tools()
        assert after.tools != before.tools
        assert await client.list_tools() == after


async def test_what_comes_of_a_task_is_for_the_agent_that_began_it(
    governed: GatewayProcess, key: str
) -> None:
    waits = Waits()
    async with connected(governed, key, MODERN, extensions=[waits]) as client:
        told = await said(client, "report", about=ADDRESS)
    assert re.fullmatch(
        "a report about <EMAIL_ADDRESS_[a-z2-7]{6}>", told
    )  # a value is kept for one exchange
    (task,) = waits.begun
    other = governed.create_key("agent-two", "bea")
    async with connected(governed, other, MODERN) as client:
        with pytest.raises(MCPError) as refused:
            await client.session.send_request(GetTask(params=TaskParams(task_id=task)), Got)
    assert refused.value.error.code == -32602


async def test_the_guides_client_lists_the_tools(
    governed: GatewayProcess, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGATE_KEY", key)
    typed: dict[str, Any] = {"__name__": "guide"}
    exec(CLIENT.replace("http://127.0.0.1:8700", governed.url), typed)
    await typed["main"]()
    assert "'send_mail'" in capsys.readouterr().out


def test_the_guides_settings_are_settings(tmp_path: Path) -> None:
    load_source(policy_copy(tmp_path, yaml.safe_load(SETTINGS)))
