"""Secrets by what names them: settings, fields, headers, query parameters, SQL, and sentences."""

# ruff: noqa: E501 - patterns read best whole

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import regex

from gateway.detect.entities.formats import SecretFormat
from gateway.detect.entities.labels import CODE, NAME, OTHER_CODE, OTHER_WORDS, TOKEN, WORDS
from gateway.detect.entities.values import is_basic, is_code, is_password, is_strong, is_token
from gateway.detect.matching.patterns import late

_LABELED, _WEAK = 0.75, 0.55
_QUOTES = (("'", "'"), ('"', '"'), ("`", "`"), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"))
# Punctuation of the scripts that write no spaces, and typographic quotes.
_STOPS = "、。，；：！？（）「」『』【】“”‘’„«»"
# In a query the next parameter is no part of the value.
_SIGN = rf"(?:[^\s\"'\\,;<>(){{}}\[\]`&{_STOPS}]|&(?![A-Za-z0-9_.\-]{{1,64}}=))"


def quoted(least: int = 6) -> str:
    """Return a pattern for a value in quotes, of so many characters at least."""
    inside = rf"\n]{{{least},256}}"
    return "|".join(f"{opened}([^{closed}{inside}){closed}" for opened, closed in _QUOTES)


def bare(least: int = 6, most: int = 256) -> str:
    """Return a pattern for a value without quotes, or whose quotes are open or escaped."""
    return rf"(?:[*_]{{2}})?[\"'\\`“«]{{0,3}}({_SIGN}{{{least},{most}}}+)(?![(\[])"


# What may stand between a name and its sign: quotes, a subscript's end, Markdown's emphasis, a type.
_AFTER = r"[\"'`\\*]{0,3}\]?(?:\s{0,2}:\s{0,2}[&A-Za-z][\w.\[\]<>|? ]{0,40}?(?=\s{0,2}=))?"
_ASSIGNED = (
    rf"{_AFTER}[ \t]{{0,40}}(?::=|=>|->|[:=：＝])\*{{0,2}}[ \t]{{0,16}}(?:\r?\n[ \t]{{0,16}})?"
    r"(?:[|>][-+]?\s{1,32})?(?:@?[NnbBrRuU]{1,2}(?=[\"'`]))?"  # YAML's block; the letters before a string
)
# Of two names in a row the second is the nearer.
_NEAREST = rf"(?![\"'\\]{{0,2}}{NAME}{_AFTER}[ \t]{{0,4}}[:=])"
# `name: DB_PASSWORD`, `value: …`: the name is a value too.
_PAIR = (
    r"[\"'\\]{0,3}[\s,;{]{1,64}(?:[A-Za-z][^<>\n]{0,96}?\b)?[\"'\\]{0,3}"
    r"(?:default_?|parameter)?(?:value|val|content|default)[\"'\\]{0,3}\s{0,16}(?:[:=]|=>)\s{0,4}"
)
_IN_XML = (
    r"(?:(?:[\"'][^<>\n]{0,64})?>|</key>)\s{0,32}(?:<(?:string|data|value)>\s{0,8})?"
    r"([^\s<>]{%s}+)\s{0,16}</"
)
# `WLAN-Passwort für Gäste: …`, `the password is …`
_IS = r"(?:[^\n.:=：]{0,40}?(?:\b(?:is|was|lautet|ist|war|est|es|é|è|jest|to|är|er|on|je|este|adalah|là)\b|[:：])|\s{1,2}[-–—])\s{1,4}"
_OTHER_IS = r"[^\n。：:=]{0,12}?(?:[:：=＝是为為はがは는은—–-]|입니다)\s{0,4}"
_OPTION = r"(?<=--|\s[/\-])[A-Za-z0-9\-]{0,32}?"
_LOGIN = (
    r"\b(?:log-?ins?|credentials?|creds|zugangsdaten|anmeldedaten|identifiants?|credenciales|credenciais"
    r"|credenziali|inloggegevens)(?: (?:is|are|sind|sont|son))? ?[:：]?\s{1,4}[\w.@+\-]{1,64}\s{0,2}[/:|]\s{0,2}"
)
# Calls that take a name and a password: auth=("ana", "…"), DriverManager.getConnection(url, "ana", "…").
_LOGS_IN = (
    r"\b(?:auth|\w{0,16}basicauth|\w{0,16}digestauth|networkcredential|getconnection|(?:\w{0,16}_|dbi->|\w{1,16}\.)connect|pdo|mysqli|simple_bind_s|log_?in|authenticate|credentials?"
    r"|secretkeyspec|jwt\.(?:sign|verify|encode|decode))(?:\]?::new)?\s{0,4}=?\s{0,4}\((?:\s{0,4}[^\s(),]{1,128}\s{0,4},){0,2}\s{0,8}"
)
_SCHEME = r"(?:(?!basic|bearer|digest|negotiate|aws4)[A-Za-z][\w\-]{1,24}[ =]\s{0,4})?"
_PARAMETER = (
    rf"[?&](?:[\w.\-]{{0,32}}?(?:{TOKEN}|sig(?:nature)?|sas|code|api_?key|key|ticket|hmac|sessionid))="
    r"([^\s&#\"'<>]{16,4096}+)"
)
_DIGITS = r"((?:\d[ \-]?){3,7}\d)(?![\w\-]|\.\d)"


@dataclass(frozen=True)
class _Form:
    """What stands before a value, and the value; where quotes may hold spaces, `quotes`."""

    before: str
    value: str
    check: Callable[[str], bool]
    score: float = _LABELED
    entity: str = "PASSWORD"
    quotes: bool = False

    @property
    def format(self) -> SecretFormat:
        value = f"(?:{quoted()}|{self.value})" if self.quotes else self.value
        return SecretFormat(self.entity, late(f"(?i){self.before}{value}"), self.check, self.score)


def _password(
    before: str, check: Callable[[str], bool] = is_password, score: float = _LABELED, value: str = bare()
) -> _Form:
    return _Form(before, value, check, score, quotes=True)


def _token(before: str, value: str = bare(16, 4096)) -> _Form:
    return _Form(before, value, is_token, entity="API_KEY")


_FORMS = (
    # name = value
    _password(f"{NAME}{_ASSIGNED}", value=f"{_NEAREST}{bare()}"),
    _token(f"{TOKEN}{_ASSIGNED}"),
    # name and value as two fields, or as an element of XML
    _password(f"{NAME}{_PAIR}"),
    _token(f"{TOKEN}{_PAIR}"),
    _Form(NAME, _IN_XML % "6,256", is_password),
    _token(TOKEN, _IN_XML % "16,4096"),
    # a call that sets it, a list of arguments
    _Form(rf"(?:set|with|use|\.)_?{NAME}\(\s{{0,8}}", f"(?:{quoted()})", is_strong, _WEAK),
    _Form(rf"{NAME}[\"']\s{{0,4}},\s{{0,8}}", f"(?:{quoted()})", is_strong, _WEAK),
    _Form(_LOGS_IN, f"(?:{quoted()})", is_strong, _WEAK),
    # an option, a variable that a command sets
    _password(rf"{_OPTION}{NAME}[ \t]{{1,4}}(?![-|>])"),
    _token(rf"{_OPTION}{TOKEN}[ \t]{{1,4}}"),
    _password(
        rf"\b(?:setx|env|arg|export|set(?:env)?(?: -\w+)?|config set)[ \t]{{1,4}}\w{{0,32}}{NAME}[ \t]{{1,4}}",
        is_strong,
    ),
    # SQL, .netrc: the name and a space
    _Form(
        r"(?:identified (?:with \w{1,40} )?by|password)\s{1,4}(?:password\s{1,4}|N)?",
        f"(?:{quoted()})",
        is_password,
    ),
    _Form(r"identified by\s{1,4}", bare(), is_strong),
    _Form(
        r"\bset password(?: for [^\s=;]{1,128})?\s{0,4}=\s{0,4}(?:password\(\s{0,4})?",
        f"(?:{quoted()})",
        is_password,
    ),
    _Form(r"\b(?:login|account|user)\s{1,8}[^\s\"']{1,128}\s{1,8}password\s{1,8}", bare(), is_password),
    _Form(rf"{NAME} {{1,4}}(?:[0567] {{1,4}})?", bare(), is_strong, _WEAK),
    # HTTP
    _token(
        rf"(?<![\w\-])authorization[\"'\\]{{0,2}}\s{{0,4}}[:=,]\s{{0,4}}[\"'\\]{{0,2}}{_SCHEME}(?:[\"']|token=[\"']?)?",
        r"([A-Za-z0-9._~+/\-]{16,4096}={0,2})(?![\w. ])",
    ),
    _token(_PARAMETER, ""),
    _Form(
        r"(?:[\"'\\]{1,3}_?auth[\"'\\]{1,3}\s{0,4}:\s{0,4}[\"'\\]{1,3}|(?<![\w.])_auth\s{0,4}=\s{0,4})",
        r"([A-Za-z0-9+/]{8,512}={0,2})",
        is_basic,
    ),
    # sentences, notes, mails
    _password(f"{WORDS}{_IS}"),
    _token(f"(?:{TOKEN}|api[ \\-]?key|cl[ée] api|client secret){_IS}"),
    _Form(
        r"(?:\A|(?<=[\n\r,;|({\[>\"'`]))[ \t]{0,8}(?:[\-*] )?pass[ \t]{0,4}[:=][ \t]{0,4}", bare(), is_strong
    ),
    _Form(r"\b(?:recovery|backup) codes?(?: (?:is|are))?[ \t]{0,2}:?[ \t]{1,4}", bare(), is_strong, _WEAK),
    _Form(r"(?-i:\bPIN)(?: is|[ \t]{0,2}[:=])[ \t]{1,4}", r"(\d{4})(?![\w\-]|\.\d)", is_code, _WEAK),
    _Form(_LOGIN, bare(), is_strong, _WEAK),
    _Form(
        r"\b(?:user(?:name)?|login|benutzer)[ \t]{0,2}[:=][^\n]{1,64}?[\s,;/|]pass[ \t]{0,2}[:=]\s{0,4}",
        bare(),
        is_strong,
    ),
    _Form(
        rf"(?:{CODE})[^\n\d:]{{0,24}}?(?:[:=]|\b(?:is|lautet|ist|est|es|é|è|jest)\b)\s{{0,4}}",
        _DIGITS,
        is_code,
        _WEAK,
    ),
)
# A shell's line takes all signs to its end.
_LINE = SecretFormat(
    "PASSWORD",
    regex.compile(
        r"(?<![^\s;])[A-Z][A-Z0-9_]{0,63}(?:PASSWORD|PASSWD|PASS|PWD|SECRET)=([^\s\"'`$<{][^\s`]{5,255}+)(?=\s|\Z)"
    ),
    lambda value: is_password(value) and value[-1] not in ")]}>,;\"'",
    _LABELED,
)
ASSIGNMENTS: tuple[SecretFormat, ...] = (*(form.format for form in _FORMS), _LINE)
# By names that are all beyond ASCII, where the prefilter would look at every letter of such a text.
OTHER_NAME = re.compile(rf"(?i){OTHER_WORDS}|{OTHER_CODE}")  # a plain search, in linear time
OTHER: tuple[SecretFormat, ...] = tuple(
    form.format
    for form in (
        _Form(f"{OTHER_WORDS}{_OTHER_IS}", f"(?:{quoted()}|([!#-&*-+\\-./-:<-~]{{6,256}}+))", is_password),
        _Form(
            rf"{OTHER_CODE}[^\n\d:：]{{0,24}}?(?:[:：=\[]|[是为為はは는은])\s{{0,4}}", _DIGITS, is_code, _WEAK
        ),
    )
)
_OPEN_QUOTE = "|".join(rf"{opened}[^{closed}\n]{{0,256}}" for opened, closed in _QUOTES)
# What may still become one: quotes that are open, a value that nothing has ended, a command's line.
OPEN = (
    *(late(rf"(?i){form.before}(?:{_OPEN_QUOTE}|[^\s'\"<>]{{1,64}})\Z") for form in _FORMS if form.quotes),
    regex.compile(r"\b(?:echo|printf)[ \t][^\n]{0,200}\Z"),
)
