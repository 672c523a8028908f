"""Private keys are found to their last line, however they are wrapped."""

import json

import pytest

from gateway.detect import Detector

LINES = [
    "MIIEpAIBAAKCAQEA7bq5w0Gm3FhXkz6Lw0D9sKcMZ1e2vR5aT8uYpQ4xN7jB6hWf"[i:] + "aB3" * i for i in range(12)
]
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"


def found(inspector: Detector, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)]


@pytest.mark.parametrize(
    "frame",
    [
        "{n:6}\t{line}",
        "{n:6}→{line}",
        "{n}: {line}",
        "+{line}",
        "-{line}",
        "> {line}",
        "01-15 10:11 app[9]: {line}",
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_a_private_key_between_foreign_text_is_found_to_its_last_line(
    inspector: Detector, frame: str, ended: bool
) -> None:
    lines = [BEGIN, *LINES, *([END] if ended else [])]
    text = "\n".join(frame.format(n=n, line=line) for n, line in enumerate(lines, 1))
    ((entity, value),) = found(inspector, f"{text}\nand some prose")
    assert entity == "PRIVATE_KEY"
    assert value.startswith(BEGIN)
    assert value.endswith(lines[-1])
    ((_, escaped),) = found(inspector, json.dumps(text))
    assert LINES[-1] in escaped


@pytest.mark.parametrize("body", ["MIIE", "\nMIIE\n", "\\nMIIE\\n", "\n1: MIIEab==\n", " MIIEab12 "])
def test_any_body_before_an_end_line_is_a_key(inspector: Detector, body: str) -> None:
    assert found(inspector, f"a {BEGIN}{body}{END} b") == [("PRIVATE_KEY", f"{BEGIN}{body}{END}")]


@pytest.mark.parametrize("body", ["", " and ends with ", "...", "\nyour key here\n", "\n<redacted>\n"])
def test_talk_of_a_key_is_none(inspector: Detector, body: str) -> None:
    assert found(inspector, f"It starts with {BEGIN}{body}{END}.") == []
