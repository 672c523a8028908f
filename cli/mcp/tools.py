"""The tools that a coding agent gets: read, try, test, explain, backtest, propose. None writes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from cli.mcp.proposal import copied, named, proposed, texts_of
from cli.mcp.stdio import Json, McpTool
from cli.moments import ago
from cli.policy.check import look_at
from cli.policy.explain import explained_decision
from cli.policy.folders import rego_folders, test_folder
from cli.policy.loading import load
from cli.policy.pasted import Pasted
from cli.policy.reference import reference
from cli.policy.testing import run_tests
from cli.policy.try_request import tried
from cli.rego_tests import hidden
from gateway.candidate import run_backtest
from gateway.config import Config
from gateway.contract import schema_of, to_document
from gateway.errors import ConfigError
from gateway.policy import load_source

INSTRUCTIONS = """Regate governs LLM traffic by policy in Rego. Work like this: read_reference, read_file of
the rules that exist, propose a change with its cases (policy_tests/cases/*.yaml), and correct it until it
passes; then backtest it, and show diff and backtest to a person. Nothing here writes a file or changes a
gateway."""

_TEXT = {"type": "string"}
_FILES = {"type": "object", "description": "The whole new text of each file, by its path in the project."}
_SECONDS = 30.0


def tools_of(config: Config) -> list[McpTool]:
    """Return the tools for one project."""
    desk = _Desk(config)
    return [
        McpTool(
            "read_reference",
            "The contract: rules (what exists, with its settings), or a JSON Schema.",
            {"what": {**_TEXT, "enum": ["rules", "input", "decision", "settings"]}},
            desk.reference,
            ["what"],
        ),
        McpTool("list_files", "The files of the policy and of its tests.", {}, desk.files),
        McpTool("read_file", "The text of one of them.", {"path": _TEXT}, desk.file, ["path"]),
        McpTool("check", "What `regate policy check` finds in the files as they are.", {}, desk.check),
        McpTool("test", "What `regate policy test` says of the files as they are.", {}, desk.test),
        McpTool(
            "evaluate",
            "The decision on an input document, or on a provider's request body: parts, findings, rules.",
            {
                "input": {"type": "object"},
                "body": {"type": "object"},
                "provider": _TEXT,
                "agent": _TEXT,
                "groups": {"type": "array", "items": _TEXT},
            },
            desk.evaluate,
        ),
        McpTool(
            "explain",
            "Which rules made a recorded decision, and what the policy here says of the same input.",
            {"decision_id": _TEXT},
            desk.explain,
            ["decision_id"],
        ),
        McpTool(
            "backtest",
            "What recorded traffic would have been decided with these files (none: as they are).",
            {"files": _FILES, "since": {**_TEXT, "description": "7d, 12h, 45m or all"}},
            desk.backtest,
        ),
        McpTool(
            "propose",
            "A change as a diff, checked and tested in a copy. No file is written.",
            {"files": _FILES},
            lambda given: proposed(config, texts_of(given["files"])),
            ["files"],
        ),
    ]


class _Desk:
    """What the tools do, for one project."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def reference(self, given: Json) -> Any:
        what = given["what"]
        if what == "rules":
            return reference(load_source(self._config.policy_path))
        if what not in ("input", "decision", "settings"):
            raise ConfigError(f"what: found {what!r}; expected rules, input, decision or settings")
        return schema_of(what)

    def files(self, _: Json) -> Any:
        return sorted(self._texts())

    def file(self, given: Json) -> Any:
        path = self._texts().get(given["path"])
        if path is None:
            raise ConfigError(f"{given['path']}: expected one of list_files")
        return path.read_text("utf-8")

    def check(self, _: Json) -> Any:
        found = look_at(self._config, rego_folders(self._config, None))
        return {"faults": [str(fault) for fault in found.faults], "revision": found.revision}

    def test(self, _: Json) -> Any:
        return run_tests(self._config, test_folder(self._config, None), _SECONDS).lines()

    def evaluate(self, given: Json) -> Any:
        if ("input" in given) == ("body" in given):
            raise ConfigError("expected either input or body")
        if "input" in given:
            decision = asyncio.run(load(self._config, given["input"]))
            assert decision is not None
            return {"decision": to_document(decision)}
        pasted = Pasted(json.dumps(given["body"]).encode())
        groups = tuple(map(str, given.get("groups", ())))
        provider, agent = given.get("provider", ""), given.get("agent", "trial")
        return asyncio.run(tried(self._config, pasted, provider, agent, groups))

    def explain(self, given: Json) -> Any:
        return explained_decision(self._config, given["decision_id"])

    def backtest(self, given: Json) -> Any:
        since = given.get("since", "7d")
        moment = None if since == "all" else ago(since)
        if moment is None and since != "all":
            raise ConfigError(f"since: found {since!r}; expected a duration like 7d, 12h or 45m, or all")
        with copied(self._config, texts_of(given["files"]) if given.get("files") else {}) as copy:
            source = load_source(copy.config.policy_path)
            report = asyncio.run(run_backtest(self._config.audit_path, source, since=moment))
        return report.document()

    def _texts(self) -> dict[str, Path]:
        """Return the files by their paths in the project; no link leads out of it."""
        folders = [self._config.policy_path, test_folder(self._config, None)]
        found = [
            path
            for folder in folders
            for path in folder.rglob("*.*")
            if path.is_file() and not path.is_symlink() and not hidden(folder, path)
        ]
        return {named(self._config, path): path for path in found}
