"""Settings that the shipped rules would misread in silence are refused when they are loaded."""

import shutil
from pathlib import Path

import pytest
import yaml

from gateway.errors import ConfigError
from gateway.policy import load_source

LIBRARY = Path(__file__).parents[3] / "policies/rego"


def load_with(tmp_path: Path, change) -> None:
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder)
    file = folder / "settings/data.yaml"
    settings = yaml.safe_load(file.read_text())
    change(settings)
    file.write_text(yaml.safe_dump(settings))
    load_source(folder)


def test_the_shipped_settings_have_the_shape(tmp_path):
    load_with(tmp_path, lambda settings: None)


def put(settings: dict, path: str, value: object) -> None:
    *folders, last = path.split("/")
    for folder in folders:
        settings = settings[folder]
    settings[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tools", None),
        ("tools", {}),
        ("tools/denny", []),
        ("tools/deny", "*drop_database*"),
        ("tools/deny", ["*drop_database*"]),
        ("entities/PRIVATE_KEY", None),
        ("entities/PRIVATE_KEY", {"requests": {"action": "deny"}}),
        ("entities/PRIVATE_KEY/request/action", "dney"),
        ("groups/default/budget", {}),
        ("groups/default/budgets", 0),
        ("bulk/personal_values", "25"),
        ("record", "everything"),
    ],
)
def test_a_mistake_is_refused_and_located(tmp_path, path, value):
    with pytest.raises(ConfigError, match=r"rego/settings: settings"):
        load_with(tmp_path, lambda settings: put(settings, path, value))


def test_the_library_without_its_settings_is_refused(tmp_path):
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("settings"))
    (folder / "lib").mkdir(exist_ok=True)
    shutil.copy(LIBRARY / "lib/settings.rego", folder / "lib")
    with pytest.raises(ConfigError, match="required property"):
        load_source(folder)
