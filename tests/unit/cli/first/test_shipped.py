"""A new folder begins with what stands in the checkout, fitted to stand alone."""

from __future__ import annotations

import json

import yaml

from cli.first.shipped import shipped_files
from gateway import __version__
from gateway.policy import PINNED
from tests.support.prefork import ROOT

FILES = dict(shipped_files())


def test_policy_its_tests_and_settings_are_there_as_they_are() -> None:
    for folder in ("policies", "policy_tests", ".regal"):
        files = {
            path.relative_to(ROOT).as_posix(): path for path in (ROOT / folder).rglob("*") if path.is_file()
        }
        assert files
        assert {name: FILES[name] for name in files} == {
            name: path.read_bytes() for name, path in files.items()
        }
    assert FILES["regate.yaml"] == (ROOT / "regate.yaml").read_bytes()
    assert {"/audit/", "/state/", ".env"} <= set(FILES[".gitignore"].decode().splitlines())


def test_the_workflow_installs_a_release_and_needs_no_checkout_of_the_gateway() -> None:
    text = FILES[".github/workflows/policy.yml"].decode()
    steps = yaml.safe_load(text)["jobs"]["policy"]["steps"]
    assert f'pip install "regate[embedded]=={__version__}"' in [step.get("run") for step in steps]
    assert {"uses": "open-policy-agent/setup-opa@v2", "with": {"version": PINNED}} in steps
    assert "make setup" not in text


def test_editors_find_the_schemas_in_the_folder() -> None:
    settings = json.loads(FILES[".vscode/settings.json"])
    schemas = settings["opa.schema"].removeprefix("${workspaceFolder}/")
    assert [name for name in FILES if name.startswith(f"{schemas}/")]
    assert set(settings["yaml.schemas"]) <= set(FILES)
    assert "gateway/" not in FILES[".vscode/settings.json"].decode()
