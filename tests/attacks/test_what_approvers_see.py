"""What an attacker wanted people to approve without reading it."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete
from typer.testing import CliRunner

from cli.main import app
from gateway.approvals import ContentEntry, pages
from gateway.approvals.contents import PAGE_CHARACTERS, as_text, decode, encode
from gateway.audit.reading.sql import query
from gateway.config import load_config
from gateway.exchange.decide import Subject
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Call, Received
from gateway.exchange.summary import contents_of
from gateway.http.app import Worker, create_app, open_worker
from gateway.identity import create_key
from gateway.masking import Vault
from gateway.state.schema import shown
from gateway.upstream import Transport, Upstream
from gateway.words import Source
from tests.support.configuration import configuration, policy_copy
from tests.support.values import EMAIL, INJECTION

RULES = Path(__file__).parents[1] / "support" / "e2e.rego"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gateway that holds every prompt of one agent, and the people around it."""

    worker: Worker
    http: httpx.AsyncClient
    config: Path
    agent: str
    approver: str

    async def hold(self, **body: Any) -> str:
        """Ask for something; the id of the approval that it waits for."""
        answer = await self.send(**body)
        assert answer.json()["error"]["code"] == "approval_required", answer.text
        return str(answer.json()["error"]["approval_id"])

    async def send(self, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.agent}", "openai-beta": "assistants=v2"}
        return await self.http.post("/demo/v1/chat/completions", json=body, headers=headers)

    async def read(self, approval_id: str, **query: int) -> dict[str, Any]:
        """The approval as the admin API shows it to an approver."""
        path = f"/admin/v1/approvals/{approval_id}"
        answer = await self.http.get(path, params=query, headers={"x-api-key": self.approver})
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    def command(self, *arguments: str) -> str:
        environment = {"REGATE_CONFIG": str(self.config), "REGATE_KEY": self.approver}
        with ThreadPoolExecutor(1) as thread:  # a command has a loop of its own
            done = thread.submit(CliRunner().invoke, app, ["approvals", *arguments], env=environment).result()
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    policy = policy_copy(tmp_path, {}, {"e2e.rego": RULES.read_text()})
    file = tmp_path / "regate.yaml"
    file.write_text(yaml.safe_dump(configuration("http://127.0.0.1:1", engine="embedded", policy=policy)))
    config = load_config(file)
    async with open_worker(config) as worker:
        group, now = ("hold-briefly",), time.time()
        _, agent = create_key(worker.keys, agent="agent", owner="ana", groups=group, now=now)
        _, approver = create_key(worker.keys, agent="bob", owner="bob", role="approver", now=now)
        transport = httpx.ASGITransport(create_app(config, worker))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Gate(worker, http, file, agent, approver)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def test_an_injection_behind_a_long_text_is_not_approved_unseen(gate: Gate) -> None:
    """Whatever face an approver looks at, the phrase stands in front, and in its place on a page."""
    words = "The weather is fine in this sentence. " * 1000
    approval_id = await gate.hold(model="m", messages=[user(f"{words}{INJECTION} {words}")])

    told = await gate.read(approval_id)
    assert INJECTION[:30] in told["contents"][0]["text"]
    assert told["contents"][0]["about"] == "finding"
    assert INJECTION in told["summary"]
    each = [await gate.read(approval_id, page=number + 1) for number in range(told["pages"])]
    assert told["pages"] > 1
    texts = "".join(e["text"] for page in each for e in page["contents"] if e["about"] == "text")
    assert texts == f"{words}{INJECTION} {words}"

    assert INJECTION[:30] in gate.command("show", approval_id, "--page", "1")
    assert INJECTION in gate.command("show", approval_id)
    page = await console(gate)
    assert INJECTION[:30] in await page(f"/console/approvals/{approval_id}")
    last = await page(f"/console/approvals/{approval_id}?page={told['pages']}")
    assert f"Page {told['pages']} of {told['pages']}" in last


async def test_nothing_of_a_request_is_left_out_of_what_is_shown(gate: Gate) -> None:
    """Tools, schemas, settings, metadata, headers and attachments are all there to be read."""
    picture = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAE" * 20
    body: dict[str, Any] = {
        "model": "marked-model",
        "temperature": 0.123,
        "seed": 31337,
        "stop": ["marked-stop"],
        "metadata": {"marked-key": "marked-metadata"},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "marked_tool",
                    "description": "marked description",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "amount": {"type": "number", "maximum": 4321, "description": "marked argument"},
                            "place": {"enum": ["marked-choice"]},
                        },
                    },
                },
            }
        ],
        "messages": [
            {"role": "system", "content": "marked system"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "marked_call", "arguments": '{"amount": 777}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "marked result"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "marked text"},
                    {"type": "image_url", "image_url": {"url": picture}},
                ],
            },
        ],
    }
    told = json.dumps((await gate.read(await gate.hold(**body)))["contents"])
    for mark in re.findall(r"marked[- _]\w+", json.dumps(body)):
        assert mark in told, mark
    for mark in ("0.123", "31337", "4321", "777", "assistants=v2", "image/png"):
        assert mark in told, mark


async def test_what_is_masked_stays_masked_where_people_read_it(gate: Gate) -> None:
    """An approver sees placeholders, in the findings and in the texts."""
    approval_id = await gate.hold(
        model="m", messages=[user(f"Write to {EMAIL}. {INJECTION} Then write to {EMAIL}.")]
    )
    told = json.dumps(await gate.read(approval_id)) + gate.command("show", approval_id)
    assert "jane.roe" not in told
    assert "<EMAIL_ADDRESS_" in told
    assert INJECTION in told


async def test_more_than_people_can_be_shown_is_refused_and_not_held(gate: Gate) -> None:
    """A request too large to be read is denied at once, and leaves nothing to approve."""
    answer = await gate.send(model="m", messages=[user("words and words " * 300_000)])
    assert answer.json()["error"]["code"] == "policy_denied"
    assert "people cannot be shown all of it" in answer.json()["error"]["message"]
    assert json.loads(gate.command("list", "--json")) == []


async def test_an_approval_whose_contents_are_gone_is_not_approved(gate: Gate) -> None:
    """What cannot be shown cannot be approved, and can still be denied."""
    approval_id = await gate.hold(model="m", messages=[user("hello")])
    with gate.worker.state.write() as connection:
        connection.execute(delete(shown))
    path, headers = f"/admin/v1/approvals/{approval_id}", {"x-api-key": gate.approver}
    answer = await gate.http.post(f"{path}/approve", json={}, headers=headers)
    assert answer.status_code == 422
    assert "cannot be shown" in answer.json()["error"]["message"]
    assert (await gate.read(approval_id))["status"] == "pending"
    assert (await gate.http.post(f"{path}/deny", json={}, headers=headers)).json()["status"] == "denied"


async def test_the_record_says_what_was_shown(gate: Gate) -> None:
    """The digest of what people could read stands in the asking and in the verdict."""
    approval_id = await gate.hold(model="m", messages=[user("hello")])
    gate.command("approve", approval_id, "--note", "fine")
    sql = (
        "SELECT body->>'$.event', body->>'$.shown' FROM records WHERE kind = 'approval' ORDER BY recorded_at"
    )
    with query(gate.config.parent / "audit", sql) as result:
        (asked, digest), (verdict, again) = result.rows
    assert (asked, verdict) == ("requested", "approved")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert again == digest


async def test_what_was_shown_is_not_kept_once_the_approval_has_ended(gate: Gate) -> None:
    """An agent that asks and asks does not fill the disk with what it asked for."""
    approval_id = await gate.hold(model="m", messages=[user("hello " * 5000)])
    gate.command("deny", approval_id, "--note", "no")
    told = await gate.read(approval_id)
    assert (told["pages"], told["contents"]) == (0, [])
    assert told["summary"].endswith("more characters]")
    assert "has ended" in gate.command("show", approval_id)
    assert "until the approval ended" in await (await console(gate))(f"/console/approvals/{approval_id}")


_ENTRIES = st.lists(
    st.builds(
        ContentEntry,
        st.sampled_from(["finding", "setting", "tool", "call", "text", "field", "earlier"]),
        st.text(max_size=20),
        st.text(max_size=20),
        st.text(max_size=50) | st.integers(0, 60_000).map(lambda size: "ab c\n" * (size // 5)),
    )
).map(tuple)


@given(_ENTRIES)
def test_no_page_turn_loses_a_character(contents: tuple[ContentEntry, ...]) -> None:
    """Pages hold every text whole, none is long, and no text passes for a line of its own."""
    found = pages(decode(encode(contents)))
    said = [(e.about, e.name, e.pointer, e.text) for page in found for e in page]
    assert "".join(e.text for e in decode(encode(contents))) == "".join(text for *_, text in said)
    assert all(sum(len(e.text) for e in page) <= PAGE_CHARACTERS for page in found)
    own = [line for line in as_text(contents).splitlines() if not line.startswith("    ")]
    assert len(own) <= sum(e.about in ("call", "text", "field") for e in contents)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-100, 100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_every_number_and_flag_of_any_document_is_shown(document: Any) -> None:
    """What is no text of its own is told with its place."""
    exchange = Exchange(Call("openai", "POST", b"/", b"", {}, Source("", ""), cast(Any, None)), True)
    upstream = Upstream("openai", "openai", cast(Transport, None), None)
    exchange.received, exchange.vault = Received(body=document, upstream=upstream), Vault(b"k" * 32)
    contents = contents_of(exchange, Subject("request", ()))
    told = [entry for entry in contents if entry.about == "setting" and entry.name != "model"]
    assert len(told) == _leaves(document)
    assert len({entry.pointer for entry in told}) == len(told)


def _leaves(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_leaves, inner)) if inner else 1


async def console(gate: Gate) -> Any:
    """Sign in to the console; what reads its pages."""
    form = await gate.http.get("/console/login")
    token = re.search(r'name="token" value="([0-9a-f]{64})"', form.text)
    assert token
    await gate.http.post("/console/login", data={"token": token[1], "key": gate.approver})

    async def page(path: str) -> str:
        answer = await gate.http.get(path)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    return page
