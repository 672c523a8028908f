"""`regate scan` says what goes around the gateway, whose it is, and what mends it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from cli.main import app


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text("*.py @backend\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/app.py").write_text("from openai import OpenAI\nclient = OpenAI()\n")
    (tmp_path / "src/web.ts").write_text("fetch('https://api.anthropic.com/v1/messages')\n")
    return tmp_path


def scan(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["scan", *map(str, arguments)])


def test_each_way_around_is_told_with_its_owner_and_what_mends_it(base: Path) -> None:
    said = scan(base, "--gateway", "https://llm.acme.internal/")
    assert said.exit_code == 1
    assert said.stdout.splitlines() == [
        "src/app.py:2: OpenAI says no address: it calls openai directly  @backend",
        '    base_url="https://llm.acme.internal/openai/v1",',
        '    api_key=os.environ["REGATE_KEY"],',
        "src/web.ts:1: api.anthropic.com is called directly",
        '    baseURL: "https://llm.acme.internal/anthropic",',
        "    apiKey: process.env.REGATE_KEY,",
    ]
    assert said.stderr == "2 in 2 files\n"


def test_a_code_base_that_goes_through_the_gateway_is_in_order(base: Path) -> None:
    (base / "src/web.ts").unlink()
    (base / "deploy/k8s").mkdir(parents=True)
    (base / "deploy/k8s/app.yaml").write_text(
        "- name: OPENAI_BASE_URL\n  value: http://regate:8700/openai/v1\n"
    )
    said = scan(base)
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "nothing goes around the gateway\n")


def test_a_variable_of_one_service_says_nothing_of_another(base: Path) -> None:
    (base / "other").mkdir()
    (base / "other/.env").write_text("OPENAI_BASE_URL=http://regate:8700/openai/v1\n")
    assert "src/app.py:2" in scan(base).stdout


def test_scripts_get_json(base: Path) -> None:
    first, second = json.loads(scan(base, "--format", "json").stdout)
    assert first == {
        "file": "src/app.py",
        "line": 2,
        "kind": "direct_client",
        "provider": "openai",
        "message": "OpenAI says no address: it calls openai directly",
        "owners": ["@backend"],
        "fix": ['base_url="http://127.0.0.1:8700/openai/v1",', 'api_key=os.environ["REGATE_KEY"],'],
    }
    assert (second["file"], second["kind"]) == ("src/web.ts", "provider_host")


# What SARIF 2.1.0 asks of the parts that are written here.
_SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {"driver": {"required": ["name", "rules"]}},
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId", "locations"],
                            "properties": {"level": {"enum": ["none", "note", "warning", "error"]}},
                        }
                    },
                },
            }
        },
    },
}


def test_code_scanning_gets_sarif(base: Path) -> None:
    log = json.loads(scan(base, "--format", "sarif").stdout)
    jsonschema.validate(log, _SARIF)
    (run,) = log["runs"]
    assert {one["ruleId"] for one in run["results"]} <= {
        rule["id"] for rule in run["tool"]["driver"]["rules"]
    }
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("src/app.py", 2)


def test_names_cannot_steer_a_terminal(base: Path) -> None:
    (base / "src/\x1b[2J\nsrc.py").write_text("URL = 'https://api.openai.com'\n")
    said = scan(base).stdout
    assert "\x1b" not in said
    assert len(said.splitlines()) == 9


def test_a_folder_that_is_not_there_is_an_error_of_the_caller(tmp_path: Path) -> None:
    assert scan(tmp_path / "typo").exit_code != 0
