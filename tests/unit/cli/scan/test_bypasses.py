"""What goes around the gateway is found in each language, and what does not is let be."""

from __future__ import annotations

import json

import pytest

from cli.scan.bypasses import bypasses, variables
from cli.scan.sources import SourceFile

KEY = "sk-ant-api03-" + "aB3dE5gHi9" * 9 + "AA"


def found(name: str, text: str, moved: frozenset[str] = frozenset()) -> list[tuple[int, str, str]]:
    return [(one.line, one.kind, one.vendor) for one in bypasses(SourceFile(name, text), moved)]


PACKAGES = {
    "a.js": "require('@aws-sdk/client-bedrock-runtime');",
    "a.go": 'import "github.com/openai/openai-go/v2"',
    "b.go": 'import openai "github.com/sashabaranov/go-openai"',
    "A.java": "import com.openai.client.okhttp.OpenAIOkHttpClient;",
    "A.kt": "import com.anthropic.client.okhttp.AnthropicOkHttpClient",
}


@pytest.mark.parametrize(
    ("name", "text", "line", "vendor"),
    [
        ("a.py", "from openai import OpenAI\n\nOpenAI()", 3, "openai"),
        ("a.ts", "import OpenAI from 'openai';\nconst c = new OpenAI({ apiKey: key() });", 2, "openai"),
        ("a.mjs", "import A from '@anthropic-ai/sdk'\nexport default new Anthropic()", 2, "anthropic"),
        ("a.ts", "import { createOpenAI } from '@ai-sdk/openai'\ncreateOpenAI({\n apiKey })", 2, "openai"),
        ("a.tsx", "import { z } from 'ai'\nimport { openai } from '@ai-sdk/openai'", 2, "openai"),
        ("a.js", "const { openai: model } = require('@ai-sdk/openai')", 2, "openai"),
        ("a.html", "<p>api.groq.com</p>\n<script>import O from 'openai'; new OpenAI()</script>", 2, "openai"),
        ("a.js", "new BedrockRuntimeClient({})", 2, "bedrock"),
        ("a.rb", "client = OpenAI::Client.new(access_token: token)", 1, "openai"),
        ("a.rb", "RubyLLM.configure do |c|\n  c.openai_api_key = key\nend", 1, "openai"),
        ("a.go", "var c = openai.NewClient(option.WithAPIKey(k))", 2, "openai"),
        ("b.go", 'c := openai.NewClient("key")', 2, "openai"),
        ("A.java", "var c = OpenAIOkHttpClient.fromEnv();", 2, "openai"),
        ("A.kt", "val c = AnthropicOkHttpClient.builder()\n  .apiKey(k)\n  .build();", 2, "anthropic"),
    ],
)
def test_a_client_without_an_address_is_found(name: str, text: str, line: int, vendor: str) -> None:
    text = f"{PACKAGES[name]}\n{text}" if name in PACKAGES else text
    assert found(name, text) == [(line, "direct_client", vendor)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ts", "import OpenAI from 'openai';\nnew OpenAI({ apiKey: key(), baseURL: url(1) });"),
        ("a.ts", "import OpenAI from './openai-of-ours';\nnew OpenAI();"),
        ("a.ts", "// new OpenAI() of 'openai' calls https://api.openai.com\n/* api.groq.com */"),
        ("a.tsx", "import { openai } from '@/lib/gateway'\nimport { z } from '@ai-sdk/openai'"),
        ("a.rb", "OpenAI::Client.new(access_token: token, uri_base: ENV['GATEWAY'])"),
        ("a.go", "openai.NewClient(option.WithBaseURL(url))"),
        ("A.java", "OpenAIOkHttpClient.builder()\n .baseUrl(url)\n .build();"),
        ("deploy.yaml", "# not https://api.openai.com any more\nurl: https://llm.acme.internal"),
        ("README.md", "Replace https://api.openai.com by the gateway."),
        ("a.py", "URL = 'https://api.openai.com'  # regate: direct, it lists the models only"),
        ("a.ts", "// regate: direct\nconst url = 'https://api.openai.com';"),
    ],
)
def test_what_does_not_go_around_is_let_be(name: str, text: str) -> None:
    assert found(name, f"{PACKAGES.get(name, '')}\n{text}") == []


@pytest.mark.parametrize(
    "name", ["a.py", "a.ts", "a.go", "A.java", "a.rb", "a.rs", ".env", "app.yaml", "Dockerfile", "main.tf"]
)
def test_a_providers_host_is_found_in_code_and_settings(name: str) -> None:
    assert found(name, 'LLM = "https://api.mistral.ai/v1"') == [(1, "provider_host", "mistral")]


@pytest.mark.parametrize("name", ["a.py", "notes.md", ".env", "a.sql"])
def test_a_providers_key_is_found_anywhere_and_never_shown(name: str) -> None:
    (one,) = bypasses(SourceFile(name, f"\n'{KEY}'"), frozenset())
    assert (one.line, one.kind, one.vendor) == (2, "provider_key", "anthropic")
    assert KEY[:20] not in one.said


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-ant-your-key-goes-here-please",
        "risk-averse-investors-only",
    ],
)
def test_what_only_looks_like_a_key_is_none(text: str) -> None:
    assert found(".env", f"ANTHROPIC_API_KEY={text}") == []


def test_a_notebooks_cells_are_python_and_lines_are_those_of_the_file() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["see https://api.openai.com"]},
        {
            "cell_type": "code",
            "source": ["!pip install openai\n", "from openai import OpenAI\n", "client = OpenAI()"],
        },
        {"cell_type": "code", "source": "url = 'https://api.groq.com'"},
    ]
    text = json.dumps({"cells": cells}, indent=1)
    lines = text.splitlines()
    hits = found("a.ipynb", text)
    assert [(kind, vendor) for _, kind, vendor in hits] == [
        ("direct_client", "openai"),
        ("provider_host", "groq"),
    ]
    assert ["client = OpenAI()" in lines[hits[0][0] - 1], "api.groq.com" in lines[hits[1][0] - 1]] == [
        True,
        True,
    ]


def test_a_broken_notebook_and_another_python_are_read_as_text() -> None:
    assert found("a.ipynb", '{"cells": [ "https://api.openai.com"') == [(1, "provider_host", "openai")]
    assert found("a.py", "print 'https://api.openai.com'") == [(1, "provider_host", "openai")]


@pytest.mark.parametrize(
    "text",
    [
        "OPENAI_BASE_URL=http://regate:8700/openai/v1",
        "export OPENAI_BASE_URL='http://regate:8700'",
        "env:\n  - name: OPENAI_BASE_URL\n    value: http://regate:8700",
        '{"OPENAI_BASE_URL": "http://regate:8700"}',
        "ENV OPENAI_BASE_URL=http://regate:8700",
    ],
)
def test_a_variable_that_moves_an_sdk_is_seen_in_settings(text: str) -> None:
    assert variables(SourceFile("deploy.yaml", text), "") == {"OPENAI_BASE_URL"}
    assert found("a.py", "import openai\nopenai.OpenAI()", frozenset({"OPENAI_BASE_URL"})) == []


@pytest.mark.parametrize(
    "text",
    ["OPENAI_BASE_URL=https://api.openai.com/v1", "OPENAI_BASE_URL=''", "OPENAI_BASE_URL_OLD=http://x"],
)
def test_a_variable_that_moves_nothing_counts_for_nothing(text: str) -> None:
    assert variables(SourceFile(".env", text), "") == frozenset()


@pytest.mark.parametrize(
    "unit",
    ["new OpenAI(", "/*", "`", '"', "'\\", "import {", "OPENAI_BASE_URL\n", "sk-ant-", "openai.NewClient<("],
)
@pytest.mark.parametrize("name", ["a.ts", "a.py", "a.yaml", "a.go"])
def test_hostile_text_is_read_in_linear_time(name: str, unit: str) -> None:
    """A quadratic reading would take minutes."""
    source = SourceFile(name, "'openai' github.com/openai/openai-go " + unit * (100_000 // len(unit)))
    assert variables(source, "") == frozenset()
    list(bypasses(source, frozenset()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("call.sh", "curl -s \\\n  --url https://api.openai.com/v1/models"),
        ("a.js", "const tick = /`/;\nfetch(`https://api.openai.com/v1/chat`)"),
        ("a.html", "\n<script>fetch('https://api.openai.com')</script>"),
        ("a.ps1", "\n$url = 'https://API.OpenAI.com/v1'"),
    ],
)
def test_a_host_is_found_whatever_stands_around_it(name: str, text: str) -> None:
    assert found(name, text) == [(2, "provider_host", "openai")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "Set OPENAI_BASE_URL=http://regate:8700/openai/v1"),
        (".env.example", "# OPENAI_BASE_URL=http://regate:8700/openai/v1"),
        ("a.py", "OPENAI_BASE_URL = 'http://regate:8700'"),
        ("deploy.yaml", "OPENAI_BASE_URL: https://proxy.example/v1"),
    ],
)
def test_a_mention_of_a_variable_moves_nothing(name: str, text: str) -> None:
    assert variables(SourceFile(name, text), "http://regate:8700") == frozenset()


def test_a_large_notebook_is_read_in_linear_time() -> None:
    lines = [f"é{number:06d}\n" for number in range(20_000)]
    text = json.dumps(
        {"cells": [{"cell_type": "code", "source": [*lines, "u = 'https://api.openai.com'"]}]}, indent=0
    )
    assert [line for line, _, _ in found("a.ipynb", text)] == [text[: text.index("u = ")].count("\n") + 1]
