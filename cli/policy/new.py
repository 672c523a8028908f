"""`regate policy new`: a topic's rule, its setting and its cases, which pass at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli.policy.folders import PolicyFolder, TestFolder, configured, test_folder
from gateway.contract import schema_of
from gateway.errors import ConfigError
from gateway.policy import PolicySource, load_source
from gateway.policy.source import SETTINGS

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
# Words of Rego, which no package can have as a step of its name.
_WORDS = {
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not",
    "null", "package", "some", "true", "with",
}  # fmt: skip
_HARNESS = ("fixtures.rego", "cases_test.rego")

_RULE = """# METADATA
# title: TITLE
# description: >-
#   Agents on the list `settings.TOPIC.agents` may not ask. Say here what the topic is for.
# schemas:
#   - input: schema["input.schema"]
#   - data.settings.TOPIC:
#       type: object
#       properties:
#         agents: {type: array, items: {type: string}}
#       required: [agents]
#       additionalProperties: false
package regate.rules.TOPIC

# METADATA
# title: An agent on the list is denied
# description: >-
#   By `settings.TOPIC.agents`, globs.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1"]
#   remedy: >-
#     Have the agent taken off the list.
verdicts contains {
	"action": "deny",
	"rule": "TOPIC.agent",
	"title": "TITLE",
	"message": sprintf("agent %s is on the list of TOPIC", [input.agent.id]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1"],
} if {
	input.phase == "request"
	some pattern in data.settings.TOPIC.agents
	glob.match(pattern, null, input.agent.id)
}
"""

_SETTINGS = """# What people tune of rules/TOPIC.rego, as `data.settings.TOPIC`. Its METADATA says the shape.
agents: []                      # globs over the agent's id; none yet
"""

_CASES = """# TITLE: rules/TOPIC.rego
# `base` is an input of policy_tests/fixtures.rego (of agent support-bot); `input` and `settings` change it.
TOPIC:
  an agent on the list is denied:
    base: prompt
    settings: {TOPIC: {agents: ["support-*"]}}
    decision: {action: deny}
    rules: [TOPIC.agent]

  another agent passes:
    base: prompt
    settings: {TOPIC: {agents: ["billing-*"]}}
    decision: {action: allow}

  a completion was asked about when it was a prompt:
    base: completion
    settings: {TOPIC: {agents: ["support-*"]}}
    decision: {action: allow}
"""


def new(
    topic: Annotated[str, typer.Argument(help="A name in small letters, digits and _, such as night.")],
    path: PolicyFolder = None,
    tests: TestFolder = None,
) -> None:
    """Write a topic to start from: a rule with METADATA, a setting, and cases that pass at once.

    The rule denies the agents on a list that is empty, so it changes nothing until you say whom it is about.
    """
    config = configured(path)
    cases = test_folder(config, tests)
    source = load_source(config.policy_path)
    _check(topic, source, cases)
    files = {
        config.policy_path / f"rules/{topic}.rego": _RULE,
        config.policy_path / f"{SETTINGS}/{topic}/data.yaml": _SETTINGS,
        cases / f"cases/{topic}.yaml": _CASES,
    }
    write_new({file: _filled(text, topic) for file, text in files.items()})
    for file in files:
        typer.echo(f"wrote {file}")
    typer.echo("Edit them, then: regate policy check && regate policy test")


def _check(topic: str, source: PolicySource, cases: Path) -> None:
    """Refuse a name that cannot be a topic's, or that is taken. Raises ConfigError."""
    if not _NAME.fullmatch(topic) or topic in _WORDS:
        raise ConfigError(
            f"topic {topic!r}: expected small letters, digits and _, a letter first, and no word of Rego"
        )
    declaration = re.compile(rf"^package[ \t]+regate\.rules\.{topic}\b", re.MULTILINE)
    for name, text in source.modules.items():
        if declaration.search(text):
            raise ConfigError(f"topic {topic}: it is there already: {source.root / name}")
    if topic in source.data.get(SETTINGS, {}) or topic in schema_of("settings")["properties"]:
        raise ConfigError(f"topic {topic}: {SETTINGS}.{topic} is taken; expected another name")
    missing = [name for name in _HARNESS if not (cases / name).is_file()]
    if missing:
        raise ConfigError(
            f"{cases}: expected {' and '.join(missing)} of Regate's policy_tests, which run cases"
        )


def write_new(files: Mapping[Path, str]) -> None:
    """Write all files or none; a file that is there stays as it is. Raises ConfigError."""
    written: list[Path] = []
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as draft:
                written.append(file)
                draft.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error


def _filled(text: str, topic: str) -> str:
    return text.replace("TOPIC", topic).replace("TITLE", topic.replace("_", " ").capitalize())
