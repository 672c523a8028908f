"""Every offer of a tool is seen, wherever it stands; one that a provider runs by all of its names."""

from typing import Any

import pytest

from gateway.dialects import read_prompt


def responses(kind: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "openai.responses", {"tools": [{"type": kind, **more}]}


def claude(**tool: Any) -> tuple[str, dict[str, Any]]:
    return "anthropic.messages", {"tools": [tool]}


FETCHES = {
    "type": "tool_addition",
    "tool": {"type": "tool_definition", "definition": {"type": "web_fetch_20250910", "name": "web_fetch"}},
}


def added(tool: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    block = {"type": "tool_addition", "tool": tool}
    return "anthropic.messages", {"messages": [{"role": "system", "content": [block]}]}


HOSTED: list[tuple[tuple[str, dict[str, Any]], str]] = [
    (responses("web_search"), "web_search"),
    (responses("web_search_preview_2025_03_11"), "web_search"),
    (responses("file_search", vector_store_ids=["v"]), "file_search"),
    (responses("code_interpreter", container={"type": "auto"}), "code_interpreter"),
    (responses("mcp", server_label="crm", server_url="https://crm.example"), "mcp crm"),
    (responses("shell", environment={"type": "container_auto"}), "shell"),
    (responses("hologram"), "hologram"),
    (responses("mcp", server_label="files", connector_id="connector_dropbox"), "mcp files connector_dropbox"),
    (responses("web_search", name="harmless"), "web_search harmless"),
    (responses("hologram", tools=[{"type": "function", "name": "beam"}]), "hologram beam"),
    (("openai.responses", {"plugins": [{"id": "web"}]}), "web_search"),
    (
        ("openai.responses", {"input": [{"type": "additional_tools", "tools": [{"type": "web_search"}]}]}),
        "web_search",
    ),
    (claude(type="web_search_20250305", name="harmless"), "web_search harmless"),
    (claude(type="bash_of_ours", name="bash"), "bash_of_ours bash"),
    (claude(type="mcp_toolset", mcp_server_name="crm", tools=[{"name": "find"}]), "mcp crm find"),
    (added({"type": "tool_definition", "definition": {"type": "web_fetch_20250910"}}), "web_fetch"),
    (added({"type": "mcp_toolset_reference", "server_name": "crm"}), "mcp crm"),
    (added({"type": "tool_reference", "name": "kept"}), "kept"),
    (
        (
            "anthropic.messages",
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "compaction", "tool_changes": [FETCHES]}]}
                ]
            },
        ),
        "web_fetch",
    ),
    (claude(type="web_search_20250305", name="web_search"), "web_search"),
    (claude(type="code_execution_20250825"), "code_execution"),
    (claude(type="mcp_toolset", mcp_server_name="crm"), "mcp crm"),
    (("anthropic.messages", {"mcp_servers": [{"type": "url", "name": "crm"}]}), "mcp crm"),
    (("openai.chat", {"web_search_options": {}}), "web_search"),
    (("openai.chat", {"search_parameters": {"mode": "auto"}}), "web_search"),
    (("openai.chat", {"plugins": [{"id": "web"}]}), "web_search"),
    (("openai.chat", {"tools": [{"type": "openrouter:web_search"}]}), "web_search"),
    (("openai.chat", {"tools": [{"type": "web_search", "function": {"name": "ok"}}]}), "web_search ok"),
    (("openai.chat", {"tools": [{"type": "web_search", "custom": {}}]}), "web_search"),
    (("openai.chat", {"enable_search": True}), "web_search"),
    (("openai.chat", {"data_sources": [{"type": "azure_search", "parameters": {}}]}), "azure_search"),
    (("json", {"tools": [{"type": "code_interpreter"}]}), "code_interpreter"),
    (("json", {"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}), "nova_grounding"),
    (("ollama.chat", {"tools": [{"type": "web_search", "function": {"name": "ok"}}]}), "web_search ok"),
    (("gemini.generate", {"tools": [{"mcpServers": [{"name": "crm"}]}]}), "mcpServers crm"),
    (("bedrock.converse", {"toolConfig": {"tools": [{"remoteTool": {"name": "x"}}]}}), "remoteTool x"),
    (
        (
            "bedrock.converse",
            {
                "messages": [
                    {"role": "system", "content": [{"toolAddition": {"tool": {"serverName": "crm"}}}]}
                ]
            },
        ),
        "mcp crm",
    ),
    (("gemini.generate", {"tools": [{"googleSearch": {}}]}), "googleSearch"),
    (("gemini.generate", {"tools": [{"code_execution": {}}]}), "code_execution"),
    (
        ("bedrock.converse", {"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}),
        "nova_grounding",
    ),
    (
        (
            "bedrock.converse",
            {
                "additionalModelRequestFields": {
                    "tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]
                }
            },
        ),
        "web_fetch",
    ),
]
OF_CLIENTS: list[tuple[str, dict[str, Any]]] = [
    *(responses(kind) for kind in ("local_shell", "apply_patch", "computer_use_preview", "shell")),
    responses("custom", name="sh"),
    claude(type="bash_20250124", name="bash"),
    claude(type="text_editor_20250728", name="str_replace_based_edit_tool"),
    claude(type="computer_20250124", name="computer"),
    claude(type="memory_20250818", name="memory"),
    claude(type="custom", name="f"),
    ("openai.chat", {"tools": [{"type": "custom", "custom": {"name": "sh"}}]}),
    ("openai.chat", {"functions": [{"name": "f"}]}),
    ("gemini.generate", {"tools": [{"computerUse": {}}]}),
    ("bedrock.converse", {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}}),
]


@pytest.mark.parametrize(("asked", "names"), HOSTED)
def test_what_a_provider_runs_is_known_by_its_type_and_by_each_name(
    asked: tuple[str, dict[str, Any]], names: str
) -> None:
    dialect, document = asked
    hosted = [tool.hosted for tool in read_prompt(dialect, {"model": "m", **document}).tools]
    assert sorted(hosted) == sorted(names.split())


@pytest.mark.parametrize(("dialect", "document"), OF_CLIENTS)
def test_what_a_client_runs_is_not_hosted(dialect: str, document: dict[str, Any]) -> None:
    assert [tool.hosted for tool in read_prompt(dialect, {"model": "m", **document}).tools] == [""]


@pytest.mark.parametrize(
    "dialect", ["openai.chat", "openai.responses", "anthropic.messages", "ollama.chat", "json"]
)
@pytest.mark.parametrize(
    "own", [{}, {"function": {"name": "ok"}}, {"custom": {"name": "ok"}}, {"name": "ok"}]
)
def test_nothing_beside_a_type_outweighs_it(dialect: str, own: dict[str, Any]) -> None:
    offered = read_prompt(dialect, {"model": "m", "tools": [{"type": "web_search", **own}]}).tools
    assert "web_search" in {tool.hosted for tool in offered}


def test_both_members_of_a_tool_are_seen_and_their_names_too() -> None:
    tools = [{"type": "function", "function": {"name": "f"}, "custom": {"name": "g"}}]
    assert [one.name for one in read_prompt("openai.chat", {"model": "m", "tools": tools}).tools] == [
        "f",
        "g",
    ]
    extra = {"additionalModelRequestFields": {"tools": [{"type": "function", "function": {"name": "zz"}}]}}
    assert [(one.name, one.hosted) for one in read_prompt("bedrock.converse", extra).tools] == [("zz", "")]


def test_a_reference_to_a_tool_that_is_declared_offers_no_other() -> None:
    dialect, document = added({"type": "tool_reference", "name": "f"})
    assert [
        (one.name, one.hosted) for one in read_prompt(dialect, {**document, "tools": [{"name": "f"}]}).tools
    ] == [("f", "")]
