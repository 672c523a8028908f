"""Injected instructions beyond plain English, in eleven languages and disguised letters; and mere talk of them."""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

import re

_ALIKE = {"a": "a4@", "e": "e3", "g": "g9", "i": "i1!|l", "l": "l1|", "o": "o0", "s": "s5$", "t": "t7+"}


def _disguised(word: str) -> str:
    """Return a pattern for a word with a sign between its letters, or digits in their place."""
    return r"[ ._\-*]?".join(f"[{re.escape(_ALIKE.get(letter, letter))}]" for letter in word)


def _any_of(*words: str) -> str:
    return "(?:" + "|".join(map(_disguised, words)) + ")"


_APART = r"[ _.\-*]{1,4}"
DISGUISED = (
    rf"\b{_any_of('ignore', 'disregard', 'forget')}{_APART}(?:{_any_of('all', 'any', 'the', 'your', 'my', 'of')}{_APART}){{0,3}}"
    rf"{_any_of('previous', 'prior', 'above')}{_APART}{_any_of('instructions', 'prompt', 'rules')}",
)
WESTERN = (
    r"\b(?:ignorier\w{0,3}|vergiss|vergessen|missachte\w?|verwirf)\s+(?:(?:sie|bitte|alle|sämtliche|die|deine|ihre|diese|meine)\s+){0,4}(?:bisherig|vorherig|vorig|früher|obig|vorangegangen|ursprünglich)\w{1,2}\s+(?:anweisungen|instruktionen|befehle|regeln|vorgaben|prompts?|nachrichten)\b",
    r"\b(?:ignor(?:e|ez|er)|oubli(?:e|ez|er))\s+(?:(?:toutes?|tous|les|tes|vos|ces)\s+){0,3}(?:instructions?|consignes?|r[eè]gles|directives|messages?)\s+(?:pr[ée]c[ée]dent\w{0,2}|ant[ée]rieur\w{0,2}|ci-dessus|initiales?|du\s+syst[eè]me)\b",
    r"\b(?:ignor(?:a|e|en|ar)|olvid(?:a|e|en|ar)|descart(?:a|e))\s+(?:(?:todas?|las|los|tus|sus|estas)\s+){0,3}(?:instrucciones|reglas|indicaciones|órdenes|directrices|mensajes)\s+(?:anteriores|previas|previos|iniciales|del\s+sistema)\b",
    r"\b(?:ignor(?:e|a|em|ar)|esque[çc](?:a|am|er)|desconsider(?:e|a|ar))\s+(?:(?:todas?|as|os|suas|tuas)\s+){0,3}(?:instruções|regras|orientações|ordens|mensagens)\s+(?:anteriores|prévias|iniciais|do\s+sistema)\b",
    r"\b(?:ignor(?:a|ate|i|are)|dimentic(?:a|ate|hi|are))\s+(?:(?:tutte|le|tutti|i|gli|tue)\s+){0,3}(?:istruzioni|regole|indicazioni|ordini|messaggi)\s+(?:precedenti|anteriori|iniziali|di\s+sistema)\b",
    r"\b(?:negeer|vergeet)\s+(?:(?:alle|de|je|uw|deze)\s+){0,3}(?:voorgaande|eerdere|vorige|bovenstaande|oorspronkelijke)\s+(?:instructies|regels|opdrachten|aanwijzingen|berichten)\b",
    r"\b(?:zignoruj(?:cie)?|ignoruj|pomi[nń]|zapomnij\s+o)\s+(?:(?:wszystkie|wszystkich|swoje|te)\s+){0,3}(?:poprzedni|wcześniejsz|powyższ)\w{1,3}\s+(?:instrukcj|poleceni|zasad|wytyczn|reguł)\w{0,3}",
)
OTHERS = (
    r"(?:про)?игнорируй(?:те)?\s+(?:(?:все|всё|эти|свои)\s+){0,3}(?:предыдущи|прежни|прошлы|изначальны)\w{1,2}\s+(?:инструкци|указани|правил|команд|сообщени)\w{0,2}",
    r"забудь(?:те)?\s+(?:(?:все|всё|обо|о|про|всех)\s+){0,3}(?:предыдущи|прежни|прошлы)\w{1,2}\s+(?:инструкци|указани|правил|команд|сообщени)\w{0,2}",
    r"(?:忽略|无视|無視|忘记|忘記)掉?你?(?:之前|以上|上述|前面|先前|此前|所有)的?(?:所有|一切|全部|任何)?的?(?:指令|指示|说明|規則|规则|提示|命令)",
    r"(?:これまで|以前|上記|前|今まで)の(?:すべての|全ての|あらゆる)?(?:指示|命令|ルール|プロンプト|指令)(?:を|は)?(?:すべて|全て)?(?:無視|忘れ|破棄)",
    r"(?:이전|위|앞|기존|지금까지)의?\s{0,2}(?:모든\s{0,2})?(?:지시|명령|지침|규칙|프롬프트)(?:\s?사항)?(?:을|를|은|는)?\s{0,2}(?:모두\s{0,2})?(?:무시|잊)",
)
# One of these words stands in each of the others, and in few texts of their languages.
OTHER_HEAD = re.compile(r"игнорируй|забудь|忽略|无视|無視|忘记|忘記|忘れ|破棄|무시|잊", re.IGNORECASE)
# What speaks of such a phrase: beside one that stands in quotes, and as what does it where none do.
_TALK = re.compile(
    r"\b(?:inject\w*|jailbreak\w*|attack\w*|adversar\w*|owasp|payloads?|phrases?|such as|e\.g\.|for example|assert\w*|expect\w*|tests?|refuses?d?"
    r"|detect\w*|block(?:s|ed)?|reject\w*|filter\w*|sanitiz\w*|held|catch(?:es)?|strings? like|texts? like|prompts? like)\b",
    re.IGNORECASE,
)
_ATTACKER = re.compile(
    r"\b(?:attack\w*|adversar\w*|(?:prompt )?injections?|jailbreaks?|malicious \w{1,20})\b[^.!?\n]{0,80}?\b(?:to|that|which|may|might|can|could|will|would)\s{1,4}\Z",
    re.IGNORECASE,
)
_OPENED = re.compile(r"[\"'`“„«‘]([^\"'`“”„«»‘’\n]{0,40})\Z")
_CLOSED = re.compile(r"[^\"'`“”„«»‘’\n]{0,80}[\"'`”“»’]")
_AROUND = 160  # characters


def is_talk(text: str, start: int, end: int) -> bool:
    """Return whether the phrase is quoted beside words about attacks or tests, or told of an attacker."""
    before = text[max(0, start - _AROUND) : start]
    if _ATTACKER.search(before):
        return True
    quoted = _OPENED.search(before) and _CLOSED.match(text, end)
    return bool(quoted and (_TALK.search(before) or _TALK.search(text[end : end + _AROUND])))
