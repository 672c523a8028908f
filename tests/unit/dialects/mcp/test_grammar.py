"""Who says what in a message of MCP, and what is exempt."""

from __future__ import annotations

import base64
from typing import Any

from gateway.dialects.mcp.grammar import REQUEST, RESPONSE, SAID
from gateway.words import Part


def parts(method: str, **params: Any) -> dict[str, Part]:
    read, _ = REQUEST.read({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return {part.pointer: part for part in read if part.place != "key"}


def test_arguments_are_the_models_and_names_are_syntax() -> None:
    found = parts("tools/call", name="send", arguments={"name": "Jane", "id": 4111111111111111})
    assert (found["/params/name"].kind, found["/params/name"].place) == ("tool_call", "structural")
    assert (found["/params/arguments/name"].role, found["/params/arguments/name"].place) == (
        "assistant",
        "value",
    )
    assert found["/params/arguments/id"].place == "number"


def test_what_a_user_fills_in_is_the_users() -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"action": "accept", "content": {"name": "Jane"}}}
    (name,) = (part for part in REQUEST.read(answer)[0] if part.text == "Jane")
    assert (name.role, name.kind, name.place) == ("user", "text", "value")


def test_what_a_clients_model_says_is_the_assistants() -> None:
    content = [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "1", "name": "run", "input": {"a": "b"}},
    ]
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"role": "assistant", "content": content, "model": "m"}}
    kinds = {part.text: part.kind for part in REQUEST.read(answer)[0] if part.place == "value"}
    assert (kinds["Hi"], kinds["b"]) == ("text", "tool_call")


def test_what_is_counted_for_the_protocol_is_never_masked() -> None:
    found = parts("tools/call", name="a", _meta={"progressToken": 41111111, "note": "free"})
    assert found["/params/_meta/progressToken"].place == "structural"
    assert found["/params/_meta/note"].place == "value"


def test_media_and_a_servers_own_state_are_attachments() -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2).decode()
    document = {
        "content": [{"type": "image", "data": picture, "mimeType": "image/png"}],
        "contents": [{"uri": "a:b", "blob": picture, "mimeType": "image/png"}],
    }
    read, attachments = RESPONSE.read({"result": document}, label=SAID)
    assert [one.kind for one in attachments] == ["image", "file"]
    assert picture not in {part.text for part in read}


def test_data_that_is_no_media_is_read() -> None:
    read, _ = RESPONSE.read({"method": "notifications/message", "params": {"data": {"a": "b"}}}, label=SAID)
    assert "b" in {part.text for part in read}


def test_a_value_comes_back_in_no_address() -> None:
    read, _ = RESPONSE.read(
        {"result": {"content": [{"type": "resource_link", "uri": "https://a.example"}]}}, label=SAID
    )
    (uri,) = (part for part in read if part.text.startswith("https"))
    assert uri.kind == "field"
