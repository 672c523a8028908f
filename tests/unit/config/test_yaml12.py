"""YAML means here what it means to OPA."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.config.yaml12 import strict_yaml
from gateway.policy import find_opa

KNOWN = [
    *(
        "22:30",
        "190:20:30.15",
        "no",
        "yes",
        "on",
        "off",
        "y",
        "N",
        "No",
        "YES",
        "true",
        "True",
        "TRUE",
        "tRue",
    ),
    *(
        "~",
        "null",
        "Null",
        "NULL",
        "nULL",
        "=",
        "<<",
        "0o17",
        "0O17",
        "-0o17",
        "017",
        "-017",
        "08",
        "0o8",
        "00",
    ),
    *(
        "1_000",
        "1__0",
        "_1",
        "1_",
        "-_1",
        "0x1F",
        "0X1f",
        "+0x1F",
        "0x",
        "0x1_F",
        "0b101",
        "0b12",
        "-0b1",
        "0b-1",
    ),
    *(
        "1e3",
        "1E+3",
        "1e-3",
        "+1",
        "-1",
        "-0",
        "-0.0",
        "+.5",
        "-.5",
        ".5",
        ".5_0",
        "5.",
        ".",
        "+",
        "1.0",
        "1e400",
    ),
    *(
        "0.1",
        "1.5e3",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "+9223372036854775808",
    ),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809"),
    *("123456789012345678901", "12345678901234567890123", "0xFFFFFFFFFFFFFFFFFF", "1.7976931348623157e308"),
    *(
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "2020-1-1",
        "12:30:45",
        "1.2.3",
        "0.0.0.0",
        "1,000",
        "1 000",
        "0xyz",
    ),
    *(
        "e3",
        "1e",
        "1e+",
        ".e3",
        "+-1",
        "--1",
        "inf",
        "nan",
        "Infinity",
        "1f",
        "0o",
        "0b",
        "é",
        "!!str 12",
        '"no"',
    ),
]
SCALARS = st.text("0123456789", min_size=1, max_size=22) | st.from_regex(
    r"[-+]?[0-9_.xobXOBeEaAfF+:-]{1,10}[0-9a-z]|[nNyYoOtTfF~][a-zA-Z]{0,4}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
    fullmatch=True,
)


@pytest.fixture(scope="session")
def opa() -> Path:
    found = find_opa()
    if found is None:
        pytest.skip("no opa on this machine: there is nothing to compare with")
    return found


def by_opa(opa: Path, folder: Path, text: str) -> Any:
    """What OPA makes of a data file. Raises CalledProcessError where it refuses it."""
    file = folder / "data.yaml"
    file.write_text(text, "utf-8")
    run = subprocess.run([opa, "eval", "--format=raw", "-d", file, "data"], capture_output=True, check=True)
    return json.loads(run.stdout)


def written(value: Any) -> str:
    """The value as JSON, so that true is not 1 and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(scalars=KNOWN)
@given(scalars=st.lists(SCALARS, min_size=50, max_size=200))
def test_a_scalar_means_what_it_means_to_opa(opa: Path, tmp_path: Path, scalars: list[str]) -> None:
    plain = [scalar for scalar in scalars if not scalar.endswith(":") and not scalar.startswith("- ")]
    text = "".join(f"k{number}: {scalar}\n" for number, scalar in enumerate(plain))
    ours, theirs = strict_yaml(text), by_opa(opa, tmp_path, text)
    for number, scalar in enumerate(plain):
        assert written(ours[f"k{number}"]) == written(theirs[f"k{number}"]), scalar


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
        "a: &x {b: 1}\ny: &y {b: 2, e: 3}\nc: {<<: [*x, *y], d: 2}\n",
        "a: &x {b: 1}\nc: {b: 3, <<: *x}\n",
        "deep: {a: &x {<<: {b: 1}, b: 2}}\nc: {<<: *x}\n",
        "a: &x [1, no]\nb: *x\n",
        "yes: 1\nno: {on: off}\n",
        "a: |\n  no\nb: >-\n  1\n  2\nc: 'no'\nd:\n",
        "a: !!str 1\nb: !!float 1\nc: !!int '12'\nd: !!null ''\ne: !!bool true\n",
        "a: ! 12\nb: ! 'no'\n",
        "%YAML 1.1\n---\na: no\n",
    ],
)
def test_a_document_means_what_it_means_to_opa(opa: Path, tmp_path: Path, text: str) -> None:
    assert written(strict_yaml(text)) == written(by_opa(opa, tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2\n",
        "a: {b: 1, b: 2}\n",
        "? [a]\n: b\n",
        "a: !!bool yes\n",
        "a: !!int no\n",
        "a: !!python/object:os.system x\n",
        "a: 1\n---\nb: 2\n",
        "a: [\n",
        'a: "\\ud800"\n',
        "[" * 200_000,
        "a: &a [*a]\n",
        "a: {<<: 1}\n",
        "a: *a\n",
        "a: !!binary aGVsbG8=\n",
        "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    ],
)
def test_what_would_mean_two_things_or_too_much_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        strict_yaml(text)
