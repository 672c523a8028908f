"""Settings that the shipped rules would misread in silence are refused when they are loaded."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.source.source import examine

LIBRARY = Path(__file__).parents[4] / "policies/rego"


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
    with pytest.raises(ConfigError, match=r"rego/settings/data\.yaml:\d+: settings"):
        load_with(tmp_path, lambda settings: put(settings, path, value))


def test_a_budget_in_decimals_is_refused_with_the_name_of_its_successor(tmp_path):
    with pytest.raises(ConfigError, match=r"budgets\.cost_1d: cost_1d is now cost_micros_1d"):
        load_with(tmp_path, lambda settings: put(settings, "groups/default/budgets", {"cost_1d": 2.5}))


def test_the_library_without_its_settings_is_refused(tmp_path):
    folder = tmp_path / "rego"
    shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("settings"))
    (folder / "lib").mkdir(exist_ok=True)
    shutil.copy(LIBRARY / "lib/settings.rego", folder / "lib")
    with pytest.raises(ConfigError, match="required property"):
        load_source(folder)


TOPIC = """# METADATA
# title: Night
# schemas:
#   - input: schema["input.schema"]
#   - data.settings.night:
#       type: object
#       properties:
#         agents: {type: array, items: {type: string}}
#       required: [agents]
#       additionalProperties: false
package regate.rules.night

verdicts contains {} if false
"""


@pytest.fixture
def topic(tmp_path):
    """A policy of one topic whose METADATA says what its settings may be; writes them."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "settings/night").mkdir(parents=True)
    (tmp_path / "rules/night.rego").write_text(TOPIC)

    def write(text: str) -> Path:
        (tmp_path / "settings/night/data.yaml").write_text(text)
        return tmp_path

    return write


def test_a_topic_of_ones_own_may_say_what_its_settings_are(topic):
    assert load_source(topic("agents: [bot]\n")).data == {"settings": {"night": {"agents": ["bot"]}}}


def test_every_setting_of_a_wrong_type_is_told_with_its_file_and_line(topic):
    root = topic("agents:\n  - bot\n  - 7\nagnts: []\n")
    _, faults = examine(root)
    file = root / "settings/night/data.yaml"
    assert [str(fault).partition(": ")[0] for fault in faults] == [f"{file}:1", f"{file}:3"]
    assert "agnts" in str(faults[0])
    assert "settings.night.agents.1: 7 is not of type 'string'" in str(faults[1])


def test_settings_that_the_metadata_speaks_of_must_be_there(topic):
    root = topic("agents: []\n")
    shutil.rmtree(root / "settings")
    with pytest.raises(ConfigError, match=r"night\.rego:1: METADATA speaks of settings\.night"):
        load_source(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: object", "type: obect", r"night\.rego:1: .* is no JSON Schema"),
        (
            "type: object",
            "$ref: 'http://127.0.0.1:9/x.json'",
            r"cannot be applied: .*http://127\.0\.0\.1:9/x\.json",
        ),
        ("type: object", "$ref: '#'", "cannot be applied: maximum recursion"),
        ("items: {type: string}", "items: {pattern: '('}", "is no JSON Schema|cannot be applied"),
        ("type: object", "not: &n {not: *n}", r"night\.rego:\d+: METADATA is not valid YAML: the alias n"),
        ("required: [agents]", "required: [agents", r"night\.rego:\d+: METADATA is not valid YAML"),
    ],
)
def test_a_shape_that_cannot_be_used_is_refused(topic, old, new, message):
    root = topic("agents: [bot]\n")
    file = root / "rules/night.rego"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_source(root)


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (
            "date-time",
            "2026-12-31T23:59:59.5+01:00",
            ["2026-12-31", "2026-02-30T00:00:00Z", "2026-12-31 00:00:00Z", "2999-01-01T00:00:00Z"],
        ),
        ("date", "2026-12-31", ["2026-02-30", "soon"]),
        ("ipv4", "10.0.0.1", ["10.0.0.256"]),
        ("regex", "a(b|c)", ["a(b"]),
    ],
)
def test_a_format_is_enforced(topic, wanted, good, bad):
    root = topic(f"agents: ['{good}']\n")
    file = root / "rules/night.rego"
    file.write_text(file.read_text().replace("items: {type: string}", f"items: {{format: {wanted}}}"))
    assert load_source(root).data["settings"]["night"]["agents"] == [good]
    for value in bad:
        topic(f"agents: ['{value}']\n")
        with pytest.raises(ConfigError, match=rf"settings\.night\.agents\.0: .*{re.escape(value)}"):
            load_source(root)


def test_a_format_that_cannot_be_enforced_is_refused(topic):
    root = topic("agents: [bot]\n")
    file = root / "rules/night.rego"
    file.write_text(file.read_text().replace("items: {type: string}", "items: {format: datetime}"))
    with pytest.raises(
        ConfigError, match="wants the format datetime, which is not looked at; expected one of"
    ):
        load_source(root)


def test_a_number_that_the_shape_cannot_measure_is_refused(topic):
    root = topic("hours: []\n")
    (root / "settings/night/data.json").write_text(f'{{"agents": {"9" * 400}}}')
    file = root / "rules/night.rego"
    file.write_text(file.read_text().replace("type: array, items: {type: string}", "multipleOf: 0.1"))
    with pytest.raises(ConfigError, match="cannot be applied: int too large"):
        load_source(root)
