"""Whether two names mean one person, however they are typed and whatever look-alikes stand in them.

`ANA MARIA`, `Ana-Maria` with a non-breaking hyphen and `ana.maria` with a Cyrillic `a` are one person:

    anamaria        letters and digits alone, in lower case, each as the Latin letter that it looks like

Two names that look alike count as one person. An honest approver is refused then, and never the wrong one let
through.
"""

from __future__ import annotations

import re
import unicodedata

# Letters of Cyrillic, Greek, Armenian, Cherokee and IPA that look like ours, after case is folded, and digits
# that do (Unicode Technical Standard 39, confusables).
_LOOK_ALIKES = {
    "a": "аαɑ", "b": "ьвβЬꮟ", "c": "сϲⲥᴄꮯ", "d": "ԁɗꮷ", "e": "еєєҽε℮ꭼ", "f": "ϝғꞙ", "g": "ɡցԍɢ", "h": "һհнηꮋ",
    "i": "іıιɩӏlǀ1|ꭵ", "j": "јϳյꭻ", "k": "кκқꮶ", "m": "мμꮇ", "n": "ոռпնɴ", "o": "оοօσ0ⲟᴏ",
    "p": "рρꮲ", "q": "ԛգզ", "r": "гꮁɾꭱ", "s": "ѕꜱꮪտ", "t": "тτꭲ", "u": "սυцʋᴜ", "v": "ѵνᴠꮩ", "w": "ԝѡωաᴡꮃ",
    "x": "хχҳ×", "y": "уүγўყꭹ", "z": "ᴢꮓ",
}  # fmt: skip
_LATIN = {ord(theirs): ours for ours, letters in _LOOK_ALIKES.items() for theirs in letters.casefold()}
# Letters that show nothing (of Hangul, Khmer and Khitan), that stretch a word, or that look like punctuation.
_FILLERS = "\u115f\u1160\u17b4\u17b5\U00016fe4\u0640\u07fa\u0559\ua78b\ua78c\u01c3"
# Other marks spell a sound of their own, as in राम and रमा. An accent is none of them, nor is the letter
# apostrophe of OʼNeil.
_NO_SOUND = ("VARIATION SELECTOR", "COMBINING", "MONGOLIAN FREE", "MODIFIER LETTER", "CARON")
# ł, ø, đ and small capitals: their names say which letter they are, and nothing takes them apart.
_NAMED = re.compile(r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?(?:DOTLESS )?([A-Z])(?: WITH .*)?")


def person(name: str) -> str:
    """Return what is equal for two names exactly when they may mean one person."""
    # twice: some letters come apart only in lower case, and some accents become letters in it
    letters = "".join(map(_plain, _letters(_letters(name).casefold())))
    return letters.translate(_LATIN).replace("rn", "m").replace("vv", "w") or name


def same_person(one: str, other: str) -> bool:
    """Return whether two names may mean one person; an empty name means no person."""
    return bool(one and other) and person(one) == person(other)


def _letters(text: str) -> str:
    return "".join(filter(_tells, unicodedata.normalize("NFKD", text)))


def _tells(letter: str) -> bool:
    """Return whether the letter tells one name from another: spaces, dots, hyphens and accents do not."""
    if letter == "|":
        return True
    if letter in _FILLERS or unicodedata.name(letter, "").startswith(_NO_SOUND):
        return False
    if unicodedata.category(letter).startswith("M"):
        return not unicodedata.combining(letter)
    return letter.isalnum()


def _plain(letter: str) -> str:
    """Return the letter without strokes and hooks; a digit of any script as ours."""
    if (digit := unicodedata.decimal(letter, None)) is not None:
        return str(digit)
    named = _NAMED.fullmatch(unicodedata.name(letter, "")) if not letter.isascii() else None
    return named[1].lower() if named else letter
