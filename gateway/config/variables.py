"""Environment variables in the configuration: `${VAR}` and `${VAR:-default}`, in values and outside secrets.

path: ${DATA}/audit          DATA=/srv         →  /srv/audit
workers: ${WORKERS:-2}       WORKERS not set   →  2, a number
words: [$${HOME}]                              →  ${HOME}, as it stands
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|\$\{")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?P<fraction>\.[0-9]+)?")  # longer ones are no setting's
# Settings that name where a secret is. A secret never comes into the configuration itself.
SECRETS = frozenset(
    {
        "anchor_token",
        "content_key",
        "credential",
        "token",
        "access_key",
        "secret_key",
        "session_token",
        "secret_id",
        "jwt",
    },
)


class NotExpanded(ValueError):
    """A variable that cannot be put in: where it stands, what was found and what was expected."""


def expand(document: Any, environment: Mapping[str, str], at: str = "$") -> Any:
    """Return the document with the variables in its strings put in. Raises NotExpanded.

    A string that is nothing but a variable becomes a number or a truth value where it reads as one. An empty
    variable counts as one that is not set.
    """
    if isinstance(document, dict):
        return {key: _member(key, value, environment, f"{at}.{key}") for key, value in document.items()}
    if isinstance(document, list):
        return [expand(value, environment, f"{at}.{index}") for index, value in enumerate(document)]
    if not isinstance(document, str) or "${" not in document:
        return document
    text = _VARIABLE.sub(lambda found: _value(found, environment, at), document)
    alone = _VARIABLE.fullmatch(document)
    return _typed(text) if alone and alone["inside"] is not None else text


def _member(key: Any, value: Any, environment: Mapping[str, str], at: str) -> Any:
    if key in SECRETS and isinstance(value, str) and "${" in value:
        # the text may hold the secret itself, so it is not repeated
        raise NotExpanded(f"{at}: found a variable in a secret; expected a reference, env:NAME or file:/path")
    return expand(value, environment, at)


def _value(found: re.Match[str], environment: Mapping[str, str], at: str) -> str:
    if found[0] == "$${":
        return "${"
    inside = _INSIDE.fullmatch(found["inside"] or "")
    if inside is None:
        expected = "${NAME} or ${NAME:-default}, and $${ for a ${ that stays"
        raise NotExpanded(f"{at}: found {found[0]}; expected {expected}")
    if value := environment.get(inside["name"]):
        return value
    if inside["default"] is None:
        expected = f"an environment variable of that name, or {found[0][:-1]}:-default}}"
        raise NotExpanded(f"{at}: found {found[0]}, which is not set or empty; expected {expected}")
    return inside["default"]


def _typed(text: str) -> str | int | float | bool:
    """Return what YAML would have read, had the text stood there itself."""
    if text in ("true", "false"):
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    return float(text) if number["fraction"] else int(text)
