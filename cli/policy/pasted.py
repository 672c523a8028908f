"""A request as people have it at hand: a body, a line for curl, or what goes over the wire."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from urllib.parse import urlsplit

from gateway.config import Config
from gateway.errors import ConfigError

_REQUEST_LINE = re.compile(rb"([A-Z]{3,7}) (\S+)(?: HTTP/\d(?:\.\d)?)?\r?\n")
_WITH_VALUE = {"-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url"}
_WITH_VALUE |= {"-A": "agent", "--user-agent": "agent"}
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
# What only one family's bodies have at their top, or call their models.
_TELLING = {"contents": "gemini", "jsonrpc": "mcp", "anthropic_version": "anthropic"}
_MODELS = {"claude": "anthropic", "gemini": "gemini"}


@dataclass(slots=True)
class Pasted:
    """A request. `url` is "" for a body alone."""

    body: bytes
    method: str = "POST"
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def read_pasted(content: bytes) -> Pasted:
    """Return the request that the text is. Raises ConfigError on a line for curl that cannot be read."""
    if content.lstrip().startswith(b"curl "):
        return _curl(content.decode("utf-8", "replace"))
    if begin := _REQUEST_LINE.match(content.lstrip()):
        return _wire(begin[1].decode(), begin[2].decode("latin-1"), content.lstrip()[begin.end() :])
    return Pasted(content)


def provider_and_path(config: Config, pasted: Pasted, named: str) -> tuple[str, str]:
    """Return whose request it is, and its path there, "" for the family's own.

    The provider is the one that is named, that of a gateway's own address, or the first of the body's family.
    """
    parts = urlsplit(pasted.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    first, _, rest = path.lstrip("/").partition("/")
    if first in config.providers:
        return named or first, f"/{rest}"
    family = _family(pasted)
    of_family = [name for name, each in config.providers.items() if each.family == family]
    if not config.providers:
        raise ConfigError("regate.yaml has no provider; expected one")
    return named or next(iter([*of_family, *config.providers])), path


def _family(pasted: Pasted) -> str:
    if any(name.lower() == "anthropic-version" for name in pasted.headers):
        return "anthropic"
    try:
        body = json.loads(pasted.body)
    except ValueError:
        return "openai"
    if not isinstance(body, dict):
        return "openai"
    told = next((family for key, family in _TELLING.items() if key in body), "")
    model = str(body.get("model", "")).lower()
    return told or next((family for word, family in _MODELS.items() if word in model), "openai")


def _curl(text: str) -> Pasted:
    try:
        words = shlex.split(text.replace("\\\n", " "))[1:]
    except ValueError as error:
        raise ConfigError(f"the line for curl cannot be read: {error}") from error
    found, data, method = Pasted(b""), [], ""
    pending: Iterator[str] = iter(words)
    while word := next(pending, ""):
        if word[:2] in ("-X", "-H", "-d", "-A") and len(word) > 2:  # the value stands in the same word
            pending, word = chain([word[2:]], pending), word[:2]
        name, equals, joined = word.partition("=")
        if name in _DATA or name in _WITH_VALUE:
            value = joined if equals and name.startswith("--") else next(pending, "")
            if name in _DATA:
                data.append(value)
            elif _WITH_VALUE[name] == "header":
                header, _, content = value.partition(":")
                found.headers[header.strip()] = content.strip()
            elif _WITH_VALUE[name] == "agent":
                found.headers["User-Agent"] = value
            elif _WITH_VALUE[name] == "method":
                method = value
            else:
                found.url = value
        elif not word.startswith("-") and "/" in word:
            found.url = word
    if any(each.startswith("@") for each in data):
        raise ConfigError("the line for curl names a file (@…); expected its content, or --body FILE of eval")
    found.body = "&".join(data).encode()
    found.method = method or ("POST" if data else "GET")
    return found


def _wire(method: str, url: str, rest: bytes) -> Pasted:
    head, _, body = rest.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = {}
    for line in head.decode("latin-1").split("\n"):
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return Pasted(body.rstrip(b"\n"), method, url, headers)
