"""Values with a syntax of their own: what both engines read alike is accepted, all else refused at load."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import FormatChecker

from gateway.words import counted_name

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_YEARS = range(1678, 2262)  # that fit nanoseconds in 64 bits
_DURATION = re.compile(r"[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)")
_CIDR = re.compile(r"[0-9a-fA-F.:]+/\d+")
# A class is one range or single characters: OPA and the embedded engine read other ones differently.
_CLASS = r"\[!?+(?:(?P<low>[^\]\[\\!^-])-(?P<high>[^\]\[\\-])|-?(?!\^)[^\]\\-]+)\]"
_GLOB = re.compile(rf"\\.|{_CLASS}|[{{}},]|[^\[\]{{}}\\,]", re.DOTALL)
# The shipped tool rules compare names without separators, so a pattern has to hold without them as well.
_SEPARATORS = re.compile(r"[\s_.:/-]+")
# A tool's name and the keys below it, each as Python's fnmatch reads it, with a dot between two.
_STEP = r"(?! )(?:[^\[\].]|\[!?[^\[\]]+\])+(?<! )"
_STEPS = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_ONLY_ONE_ENGINE = re.compile(r"\\[CQE]")

_WILD = r"*, ?, [abc], [!abc], one range like [a-z], {one,two}, \ before a character meant as it is"
_SAID = {
    "glob": f"a glob: {_WILD}",
    "tool-glob": f"a glob, also without the separators _ - . : / and spaces: {_WILD}",
    "destination": "text, tools, a tool (a glob), or an argument of one as in send_invoice.address",
    "regex": "a regular expression that RE2 can read",
    "cidr": "a network like 10.0.0.0/8",
    "person": "a name as budgets count it: small letters, ss for ß, no wide letters, single spaces",
    "duration": "a duration like 90s, 15m or 1h30m",
    "date-time": "a time like 2027-03-31T00:00:00Z",
    "date": "a date like 2027-03-31",
}

FORMATS = FormatChecker(("date", "email", "ipv4", "ipv6"))


def expected(name: str) -> str:
    """Return what a value of the format looks like, "" where the name says it."""
    return _SAID.get(name, "")


def formats_in(schema: Any) -> set[str]:
    """Return each `format` that the schema wants of a value."""
    inner = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    found = {each for value in inner for each in formats_in(value)}
    own = schema.get("format") if isinstance(schema, Mapping) else None
    return found | {own} if isinstance(own, str) else found


def _of_text(name: str) -> Callable[[Callable[[str], bool]], Callable[[str], bool]]:
    """Have a test decide about the texts of a format; a value that is no text is its type's concern."""

    def add(is_one: Callable[[str], bool]) -> Callable[[str], bool]:
        FORMATS.checks(name, raises=ValueError)(lambda value: not isinstance(value, str) or is_one(value))
        return is_one

    return add


@_of_text("date-time")
def _is_moment(value: str) -> bool:
    """Return whether `time.parse_rfc3339_ns` of both engines takes the text."""
    return bool(_MOMENT.fullmatch(value)) and datetime.fromisoformat(value).year in _YEARS


@_of_text("duration")
def _is_duration(value: str) -> bool:
    """Return whether `time.parse_duration_ns` takes the text."""
    return bool(_DURATION.fullmatch(value))


@_of_text("cidr")
def _is_network(value: str) -> bool:
    """Return whether `net.cidr_contains` takes the text."""
    return bool(_CIDR.fullmatch(value) and ipaddress.ip_network(value, strict=False))


@_of_text("regex")
def _is_expression(value: str) -> bool:
    """Return whether `regex.match` of both engines takes the text."""
    import re2  # type: ignore[import-untyped]  # has no types; here: few policies have expressions in settings

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error:
        return False
    return not _ONLY_ONE_ENGINE.search(value)


@_of_text("glob")
def _is_glob(value: str) -> bool:
    """Return whether `glob.match` of both engines takes the text, also in small letters."""
    return all(_reads_as_glob(each) for each in (value, value.lower()))


@_of_text("person")
def _is_person(value: str) -> bool:
    """Return whether `lower` of both engines makes of a name what budgets count."""
    small = value.lower()
    return counted_name(value) == small and len(small) == len(value)


@_of_text("destination")
def _is_destination(value: str) -> bool:
    """Return whether a value of the prompt can come back there; `texts` and `Tools` are slips."""
    if value.lower().removesuffix("s") in ("text", "tool"):
        return value in ("text", "tools")
    return _STEPS.fullmatch(value) is not None


@_of_text("tool-glob")
def _is_tool_glob(value: str) -> bool:
    return _is_glob(value) and _is_glob(_SEPARATORS.sub("", value.lower()))


def _reads_as_glob(value: str) -> bool:
    open_braces, before = 0, ""
    for token in _tokens(value):
        if token == "" or (token in (",", "}") and open_braces and before in ("{", ",")):
            return False  # an empty alternative is read differently
        open_braces += {"{": 1, "}": -1}.get(token, 0)
        if open_braces < 0:
            return False
        before = token
    return not open_braces


def _tokens(value: str) -> Iterator[str]:
    """Yield the pieces of a glob, and "" for what is none."""
    at = 0
    while at < len(value):
        found = _GLOB.match(value, at)
        if found is None or (found["low"] and found["low"] > found["high"]):
            yield ""
            return
        yield found.group()
        at = found.end()
