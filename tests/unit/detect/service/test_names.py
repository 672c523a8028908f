"""People and places in prompts, where the settings want them."""

import asyncio
import re
from collections.abc import Sequence

import pytest

from gateway.config import Allow, Detect, Ner
from gateway.detect import DetectionService, Detector
from gateway.detect.entities import ner
from gateway.detect.service.names import Names
from gateway.errors import ConfigError, InspectionFailed
from gateway.words import Match, Part

SETTINGS = Detect(ner=Ner(enabled=True))
TEXT = "Please tell Jane Roe that John's sister moved to 12 Main Street, Springfield, Ohio."


@pytest.fixture(scope="module")
def named() -> Detector:
    return Detector(SETTINGS)


async def test_a_name_is_found_in_every_part_of_a_prompt_and_only_there(named: Detector) -> None:
    inspection = DetectionService(named, 60)
    parts = [
        Part("user", "text", "/messages/0/content", f"{TEXT} Her mail: jane@acme.org"),
        Part("assistant", "tool_call", "/messages/1/arguments", '{"to": "Jane Roe", "city": "Springfields"}'),
        Part("user", "field", "/metadata/Jane Roe", "Jane Roe", "key"),
    ]
    prompt = await inspection.find(parts, names=True)
    again = await inspection.find(parts, names=True)
    completion = await inspection.find(parts)
    await inspection.close()
    assert again == prompt
    shown = [
        [(one.entity, part.text[one.start : one.end]) for one in findings]
        for part, findings in zip(parts, prompt, strict=True)
    ]
    assert shown == [
        [
            ("PERSON", "Jane Roe"),
            ("PERSON", "John"),
            ("LOCATION", "Springfield"),
            ("LOCATION", "Ohio"),
            ("EMAIL_ADDRESS", "jane@acme.org"),
        ],
        [("PERSON", "Jane Roe")],
        [],
    ]
    assert [len(findings) for findings in completion] == [1, 0, 0]


async def test_a_text_that_cannot_be_read_in_time_refuses_the_prompt() -> None:
    names = Names(SETTINGS, 0.2)
    async with asyncio.timeout(60):
        while not names.is_warm():  # noqa: ASYNC110 - nothing tells when a process is up
            await asyncio.sleep(0.1)
    with pytest.raises(InspectionFailed, match=r"kB of new text could not be read for names in 0\.2 seconds"):
        await names.added([Part("user", "text", "/a", TEXT * 5_000)], [()])
    await names.close()


class _Pool:
    """What a process would answer, and how often it was asked."""

    asked = 0

    def ensure_started(self, wanted: int = 1) -> bool:
        return wanted > 0

    async def inspect(self, texts: Sequence[tuple[str, str]]) -> list[tuple[Match, ...]]:
        self.asked += len(texts)
        return [(Match("PERSON", "pii", 0.85, 0, 4), Match("LOCATION", "pii", 0.85, 8, 13)) for _ in texts]


async def test_a_text_is_read_once_and_what_is_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    names, pool = Names(Detect(ner=Ner(enabled=True), off=("LOCATION",)), 1), _Pool()
    monkeypatch.setattr(names, "_pool", pool)
    parts = [Part("user", kind, f"/{n}", "Jane in Paris") for n, kind in enumerate(("text", "text", "field"))]
    for _ in range(2):
        found = await names.added(parts, [(), (), ()])
        assert [[one.entity for one in findings] for findings in found] == [["PERSON"]] * 3
    assert pool.asked == 1
    sure = Names(Detect(ner=Ner(enabled=True), threshold=0.9), 1)
    monkeypatch.setattr(sure, "_pool", pool)
    assert await sure.added(parts, [(), (), ()]) == ((), (), ())


async def test_a_long_text_is_shared_among_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[int] = []

    class Pool(_Pool):
        async def inspect(self, texts: Sequence[tuple[str, str]]) -> list[tuple[Match, ...]]:
            shares.append(sum(len(text) for _, text in texts))
            return [
                tuple(
                    Match("PERSON", "pii", 0.85, one.start(), one.end())
                    for one in re.finditer("Jane Roe", text)
                )
                for _, text in texts
            ]

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    names, text = Names(Detect(ner=Ner(enabled=True)), 1), "Jane Roe went home.\n" * 2_000
    monkeypatch.setattr(names, "_pool", Pool())
    (found,) = await names.added([Part("user", "text", "/a", text)], [()])
    assert [(one.start, one.end) for one in found] == [one.span() for one in re.finditer("Jane Roe", text)]
    assert len(shares) == 2
    assert max(shares) < 2 * min(shares)


async def test_a_name_on_the_allow_list_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    names, part = Names(Detect(ner=Ner(enabled=True), allow=Allow(values=("jane",))), 1), "Jane in Paris"
    monkeypatch.setattr(names, "_pool", _Pool())
    found = await names.added([Part("user", "text", "/a", part), Part("user", "field", "/b", part)], [(), ()])
    assert [[one.entity for one in findings] for findings in found] == [["LOCATION"]] * 2


async def test_one_word_in_small_letters_counts_only_where_it_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(Detect(ner=Ner(enabled=True)), 1)
    monkeypatch.setattr(names, "_pool", _Pool())
    for text, elsewhere in (("plan in paris", []), ("Plan in paris", ["PERSON"])):
        parts = [Part("user", "text", "/a", text), Part("user", "field", "/b", f"our {text[:4]}")]
        own, other = await names.added(parts, [(), ()])
        assert [one.entity for one in own] == ["PERSON", "LOCATION"]
        assert [one.entity for one in other] == elsewhere


def test_names_without_their_extra_are_refused_at_start(
    named: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ner, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"detect\.ner\.enabled: onnxruntime, .*regate\[ner\]"):
        DetectionService(named, 10)
