"""What is learned becomes a diff that keeps the file as it is otherwise; the policy loads with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.policy.learn import proposed_settings
from cli.policy.learned import GroupUse, Learned, Use
from gateway.config import strict_yaml
from gateway.policy import load_source
from tests.unit.candidate.conftest import Recorder, allowed
from tests.unit.cli.policy.conftest import regate, said
from tests.unit.policy.conftest import LIBRARY

SHIPPED = (LIBRARY / "settings/data.yaml").read_text()


def learned(**groups: GroupUse) -> Learned:
    return Learned(1, 0, dict(groups))


def used(*names: str) -> dict[str, Use]:
    return {name: Use(2, ["ex_1", "ex_2"]) for name in names}


def test_lists_that_permit_everything_become_lists_of_what_was_used() -> None:
    group = GroupUse(used("openai"), used("gpt-4.1", "ft:gpt[1]*"), used("search_orders"))
    text = proposed_settings(SHIPPED, learned(default=GroupUse(used("openai"), used("o3")), support=group))
    settings = strict_yaml(text)
    assert settings["groups"] == {
        "default": {"providers": ["openai"], "models": ["o3"], "budgets": {}},
        "support": {
            "providers": ["openai"],
            "models": [r"ft:gpt\[1\]\*", "gpt-4.1"],
            "only": {"tools": ["search_orders"]},
        },
    }
    assert '    models: ["o3"]   # 2: ex_1, ex_2\n' in text
    gone = set(SHIPPED.splitlines()) - set(text.splitlines())
    assert gone == {'    providers: ["*"]', '    models: ["*"]'}


def test_a_list_that_is_there_stays() -> None:
    text = SHIPPED.replace('    models: ["*"]', '    models: ["gpt-*"]   # ours')
    assert proposed_settings(text, learned(default=GroupUse({}, used("gpt-4.1")))) == text


@given(st.lists(st.text(max_size=8), max_size=3, unique=True), st.text(min_size=1, max_size=8))
def test_no_name_breaks_out_of_its_line(names: list[str], group: str) -> None:
    text = proposed_settings(SHIPPED, learned(**{group: GroupUse({}, used(*names), used(*names))}))
    assert strict_yaml(text).keys() == strict_yaml(SHIPPED).keys()


async def test_recorded_traffic_becomes_a_diff_that_applies(
    recorder: Recorder, root: Path, policy: Path
) -> None:
    await recorder.decided("gpt-4.1", allowed())
    recorder.journal.close()
    before = (policy / "settings/data.yaml").read_text()
    run = regate("learn", "--since", "all")
    assert run.exit_code == 0, run.output
    assert '+    models: ["gpt-4.1"]   # 1: ex_1\n' in run.stdout
    assert "learned from 1 decisions since all; nothing was applied" in run.stderr
    assert (policy / "settings/data.yaml").read_text() == before
    assert said("learn", "--since", "all")["groups"]["default"]["models"]["gpt-4.1"]["exchanges"] == ["ex_1"]


def test_nothing_recorded_is_nothing_learned(root: Path) -> None:
    assert regate("learn").exit_code == 1
    assert "--since: found 'soon'" in str(regate("learn", "--since", "soon").exception)


@pytest.mark.parametrize("group", ["default", "support"])
def test_the_policy_loads_with_what_was_learned(tmp_path: Path, group: str) -> None:
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    uses = GroupUse(used("openai"), used("gpt-4.1"), used("search_orders"))
    (folder / "settings/data.yaml").write_text(proposed_settings(SHIPPED, learned(**{group: uses})))
    assert load_source(folder).data["settings"]["groups"][group]["models"] == ["gpt-4.1"]
