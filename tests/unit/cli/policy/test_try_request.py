"""`regate policy try` shows each step of a request that is not sent."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.policy.conftest import regate

LINE = """curl -s http://127.0.0.1:8700/demo/v1/chat/completions -H 'Authorization: Bearer rg_x' \\
  -d '{"model": "demo", "messages": [{"role": "user", "content": "Write to jane.roe@acme.org"}]}'"""


def test_each_step_of_a_pasted_request_is_shown(machine_with_opa: None, tmp_path: Path) -> None:
    file = tmp_path / "request"
    file.write_text(LINE)
    run = regate("try", str(file), "--group", "support")
    assert run.exit_code == 0, run.output
    for told in (
        "request   POST /v1/chat/completions of demo, read as openai.chat",
        "agent     trial (support), model demo",
        "part      /messages/0/content  user text: Write to <EMAIL_ADDRESS_",
        "found     EMAIL_ADDRESS (pii): 1 distinct, up to 1",
        "decision  mask by revision ",
        "  pii.mask: EMAIL_ADDRESS in the prompt",
        "rules/pii.rego:",
        "  masks EMAIL_ADDRESS: placeholder, given back to the caller",
    ):
        assert told in run.stdout
    assert "jane.roe" not in run.stdout
    assert "rg_x" not in run.stdout


def test_a_script_gets_all_of_it_and_an_exit_code(machine_with_opa: None, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    content = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
    key = f"-----BEGIN PRIVATE KEY-----\n{content}\n-----END PRIVATE KEY-----"
    file.write_text(json.dumps({"model": "demo", "messages": [{"role": "user", "content": key}]}))
    run = regate("try", str(file), "--json")
    assert run.exit_code == 1
    found = json.loads(run.stdout)
    assert found["decision"]["action"] == "deny"
    assert [(rule["rule"], rule["did"]) for rule in found["rules"]] == [("secret.deny", "deny")]
    assert "rules/secrets.rego:" in found["rules"][0]["place"]
    assert found.keys() == {"parts", "findings", "decision", "rules", "input"}
