"""The clients: what is installed, and how each is given the task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

GATEWAY, KEY, TASK = "{gateway}", "{key}", "{task}"
"""In arguments, variables and files of a client: what the run puts there."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client as people install it.

    `packages`: the first is the one whose version is named. `command` is a program of theirs, or one of
    `scripts`. `files` are written into its home before it starts, by path. `how` is for the page. `says`:
    what has to stand in its last words.
    """

    name: str
    registry: str
    packages: Sequence[str]
    command: Sequence[str]
    how: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    says: Sequence[str] = ("address", "number", "token")
    streams: bool = True


_CODEX = f"""
model = "gpt-5"
model_provider = "regate"
check_for_update_on_startup = false
analytics.enabled = false
[model_providers.regate]
name = "regate"
base_url = "{GATEWAY}/openai/v1"
env_key = "REGATE_KEY"
wire_api = "responses"
"""
_OPENCODE = {
    "model": "regate/gpt-5",
    "autoupdate": False,
    "share": "disabled",
    "provider": {
        "regate": {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{GATEWAY}/openai/v1", "apiKey": KEY},
            "models": {"gpt-5": {"name": "gpt-5", "tool_call": True}},
        }
    },
}
_AIDER = (
    "--model openai/gpt-4.1 --edit-format whole --yes-always --no-git --no-pretty --no-check-update "
    "--analytics-disable --no-show-model-warnings --no-show-release-notes --no-gitignore --map-tokens 0"
)

CLIENTS = (
    Client(
        "Codex",
        "npm",
        ["@openai/codex"],
        ["codex", "exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", TASK],
        env={"REGATE_KEY": KEY, "CODEX_HOME": "."},
        files={"config.toml": _CODEX},
    ),
    Client(
        "Claude Code",
        "npm",
        ["@anthropic-ai/claude-code"],
        ["claude", "--print", "--allowedTools", "Bash", "--", TASK],
        env={
            "ANTHROPIC_BASE_URL": f"{GATEWAY}/anthropic",
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    ),
    Client(
        "opencode",
        "npm",
        ["opencode-ai"],
        ["opencode", "run", TASK],
        env={
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        },
        files={"opencode.json": json.dumps(_OPENCODE)},
    ),
    Client(
        "aider",
        "pypi",
        ["aider-chat"],
        ["aider", *_AIDER.split(), "--message", TASK, "note.txt"],
        how="it edits files by its model's text, without tool calls",
        env={"OPENAI_API_BASE": f"{GATEWAY}/openai/v1", "OPENAI_API_KEY": KEY},
    ),
    Client("openai-agents", "pypi", ["openai-agents"], ["openai_agents.py"]),
    Client("pydantic-ai", "pypi", ["pydantic-ai-slim[openai]"], ["pydantic_ai_default.py"]),
    Client("Vercel AI SDK, OpenAI", "npm", ["ai", "@ai-sdk/openai", "zod"], ["vercel_openai.mjs"]),
    Client("Vercel AI SDK, Anthropic", "npm", ["ai", "@ai-sdk/anthropic", "zod"], ["vercel_anthropic.mjs"]),
    Client("LangChain", "pypi", ["langchain-openai", "langchain"], ["langchain_responses.py"]),
    Client("google-genai", "pypi", ["google-genai"], ["google_genai.py"]),
    Client(
        "Gemini CLI",
        "npm",
        ["@google/gemini-cli"],
        ["gemini", "--yolo", "--model", "gemini-3-pro", "--prompt", TASK],
        env={
            "GOOGLE_GEMINI_BASE_URL": f"{GATEWAY}/gemini",
            "GEMINI_API_KEY": KEY,
            "GEMINI_TELEMETRY_ENABLED": "false",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        },
        files={
            ".gemini/settings.json": json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
        },
    ),
    Client("ollama", "pypi", ["ollama"], ["ollama_chat.py"]),
    Client("Strands", "pypi", ["strands-agents[anthropic]"], ["strands_agent.py"]),
    Client("OpenAI Agents for Node", "npm", ["@openai/agents", "zod"], ["openai_agents.mjs"]),
    Client("groq", "pypi", ["groq"], ["groq_chat.py"]),
    Client("AzureOpenAI", "pypi", ["openai"], ["azure_openai.py"]),
    Client("LlamaIndex", "pypi", ["llama-index-llms-openai", "llama-index-core"], ["llama_index_agent.py"]),
    Client(
        "litellm",
        "pypi",
        ["litellm"],
        ["litellm_completion.py"],
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    Client(
        "instructor",
        "pypi",
        ["instructor"],
        ["instructor_model.py"],
        how="the tool call becomes an object",
        says=("address", "number"),
    ),
    Client(
        "boto3",
        "pypi",
        ["boto3"],
        ["boto3_converse.py"],
        how="it signs, since it sends a token over TLS only, and its key goes beside that",
    ),
    Client("AnthropicBedrock", "pypi", ["anthropic[bedrock]"], ["anthropic_bedrock.py"]),
    Client("MCP client", "pypi", ["mcp"], ["mcp_client.py"], how="the server is the provider", streams=False),
)
