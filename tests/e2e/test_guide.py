"""The policy guide is typed as it stands: from `regate policy new` to a decision on live traffic, and on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import prefork
from tests.support.configuration import any_engine
from tests.support.gateway import GatewayProcess
from tests.support.prefork import ROOT
from tests.support.waiting import PATIENCE_SECONDS, holds

GUIDE = (ROOT / "docs/guides/policy.md").read_text()
# A file is named by the text right above its block; a block of sh is typed.
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"in `([\w./-]+)`:\n\n$")


_ADDRESS = "http://127.0.0.1:8700"
# Each block is a shell of its own; what one sets, the later ones have.
_REMEMBERING = "if [ -f vars ]; then . ./vars; fi\n%s\ndeclare -p key > vars 2> vars.none || true"


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who follows the guide in a folder of their own, beside a running gateway."""

    gateway: GatewayProcess
    shell: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.gateway.folder

    def type(self, commands: str, *, code: int = 0) -> str:
        """What a block of the guide prints, with the gateway's own address in it."""
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", _REMEMBERING % commands.replace(_ADDRESS, self.gateway.url)],
            cwd=self.folder,
            env=self.shell,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == code, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def configured(self, changes: dict[str, Any]) -> None:
        """Change the configuration as a block says, and start the gateway again."""
        self.gateway.stop()
        for name, value in changes.items():
            self.gateway.config[name] = {**self.gateway.config[name], **value}
        self.gateway.start()

    def until(self, commands: str, text: str) -> str:
        """The same, typed again until it prints the text: the gateway may not have read an edit yet."""
        said: list[str] = []

        def printed() -> bool:
            said.append(self.type(commands))
            return text in said[-1]

        assert holds(printed), said[-1]
        return said[-1]


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Author]:
    tmp_path = tmp_path_factory.mktemp("guide")
    for name in ("policies", "policy_tests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    config: dict[str, Any] = yaml.safe_load((ROOT / "regate.yaml").read_text())
    config |= {"listen": "127.0.0.1:0", "policy": {"engine": any_engine(), "path": "policies/rego"}}
    commands = tmp_path / "bin"
    commands.mkdir()
    prefork.install(commands / "regate")
    gateway = GatewayProcess(tmp_path, config)
    shell = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{commands}:{os.environ['PATH']}"}
    shell.pop("REGATE_CONFIG", None)
    author = Author(gateway.start(), shell)
    git = "git -c init.defaultBranch=main"
    author.type(
        f"{git} init -q && git config user.name dana && git config user.email dana@example.com\n"
        "git add regate.yaml policies policy_tests && git commit -q -m 'Begin with the shipped policy'"
    )
    yield author
    gateway.kill()


def typed() -> Iterator[tuple[str, str]]:
    """The guide's blocks in order: a file to write and its text, or ("", commands)."""
    for block in BLOCK.finditer(GUIDE):
        named = NAMED.search(GUIDE, max(0, block.start() - 200), block.start())
        if named:
            yield named[1], block[2]
        elif block[1] == "sh":
            yield "", block[2]


@pytest.mark.timeout(600)
def test_the_guide_leads_from_a_new_topic_to_a_decision_on_live_traffic(author: Author) -> None:
    said: list[str] = []
    for file, text in typed():
        if file == "regate.yaml":
            author.configured(yaml.safe_load(text))
        elif file:
            assert (author.folder / file).is_file(), f"{file} is no file that the guide has made"
            (author.folder / file).write_text(text)
        elif "curl" in text:
            said.append(author.until(text, "allow → deny" if "status" in text else "policy_denied"))
        else:
            said.append(author.type(text))
    scaffolded, edited, tried, shown, denied, explained, backtested, *rest = said
    compared, _, adopted, _, used, back = rest
    assert "coverage: 100 %" in scaffolded
    assert "coverage: 100 %" in edited
    assert json.loads(tried)["reasons"][0]["rule"] == "length.prompt"
    assert "  length.prompt: " in shown
    assert "exit code 1" in shown
    refusal = json.loads(denied)["error"]
    assert refusal["code"] == "policy_denied"
    assert [reason["rule"] for reason in refusal["reasons"]] == ["length.prompt"]
    assert "characters, and 2000 are allowed" in refusal["message"]
    assert "length.prompt: 25" in explained
    assert "policies/rego/rules/length.rego:" in explained
    assert "on disk   the same decision" in explained
    assert "deny → deny" in backtested
    assert "/next" in compared
    assert "coverage: 100 %" in adopted
    assert "bundles/policy.tar.gz: revision" in used
    *_, rolled_out, rolled_back = back.splitlines()
    assert rolled_out != rolled_back == used.splitlines()[-1]


def test_what_eval_saw_is_what_live_traffic_was_asked_about(author: Author) -> None:
    """But for ids, the clock, and what only a gateway knows of its caller."""
    body = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "mail jane@acme.org"}]})
    (author.folder / "body.json").write_text(body)
    made = json.loads(author.type("regate keys create --agent bot --owner dana --group g --json"))
    author.type(
        f"curl -sSf -H 'Authorization: Bearer {made['key']}' -H 'Content-Type: application/json' -A '' "
        "--data @body.json http://127.0.0.1:8700/demo/v1/chat/completions"
    )
    row = author.gateway.await_rows(
        "SELECT decision_id FROM decisions WHERE agent = 'bot' AND phase = 'request'"
    )[0]
    live = json.loads(author.type(f"regate policy explain {row['decision_id']} --json"))
    tried = json.loads(
        author.type("regate policy eval --body body.json --provider demo --agent bot --group g --input")
    )
    assert _comparable(tried["input"]) == _comparable(live["input"])
    assert tried["decision"]["action"] == live["action"] == "mask"


def _comparable(document: dict[str, Any]) -> str:
    changed = {
        **document,
        "time": "",
        "exchange": {},
        "usage": {},
        "agent": {**document["agent"], "owner": "", "person": "", "key_id": ""},
        "source": {**document["source"], "ip": ""},
    }
    return re.sub(r"<EMAIL_ADDRESS_\w+>", "<EMAIL_ADDRESS>", json.dumps(changed))
