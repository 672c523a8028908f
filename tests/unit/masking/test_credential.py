"""The credential that a provider was called with is found wherever its answer repeats it."""

from __future__ import annotations

from gateway.masking import StreamScanner, credentials
from gateway.words import Match
from tests.support.values import CREDENTIAL


class Words:
    """Finds the first five characters, and holds back nothing but the last word."""

    def inspect(self, text: str, *, since: int, until: int | None = None) -> tuple[Match, ...]:
        return (Match("WORD", "custom", 0.9, 0, 5),) if since < 5 else ()

    def open_at(self, text: str) -> int:
        return len(text)


def test_every_place_is_found_and_none_without_a_credential() -> None:
    text = f"{CREDENTIAL} or {CREDENTIAL}"
    assert [text[span.start : span.end] for span in credentials(text, CREDENTIAL)] == [CREDENTIAL] * 2
    assert credentials(text, None) == credentials("or", CREDENTIAL) == ()


def test_a_stream_gives_the_credential_whole_and_what_overlaps_it_not_at_all() -> None:
    scanner = StreamScanner(Words(), secret=CREDENTIAL)
    pieces = [*scanner.feed(f"{CREDENTIAL[:9]}"), *scanner.feed(f"{CREDENTIAL[9:]} it"), *scanner.close()]
    found = [(piece.text, piece.finding.entity) for piece in pieces if piece.finding]
    assert [text for text, _ in found] == [CREDENTIAL]
    assert found[0][1] != "WORD"
    assert "".join(piece.text for piece in pieces) == f"{CREDENTIAL} it"
