"""A person in the evidence: where they are named, what they said, and what is to go when they ask for it.

A record names a person in its columns, as end user or owner, or in its body, as the approver of a request. A
value of theirs stands in texts as the placeholder that the key of the text's agent gives it, or as it is,
where no detector found it. What an exchange says is the end user's, and the owner's where no other end user
is named: all of it goes. Of the exchanges of others go the parts and words that hold such a value, and names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gateway.audit.files import NAMES
from gateway.audit.reading import QueryLimits, query
from gateway.audit.sealing import ERASED_KINDS, Target
from gateway.config import ServerKey
from gateway.masking import Vault

Role = Literal["end_user", "owner", "approver", "value"]

_CODE = 6  # characters that every placeholder of a value begins with
_LIMITS = QueryLimits(3600, memory=3 * 1024**3, address_space=9 * 1024**3)
_ENTITIES = """
    SELECT DISTINCT agent, one.entity
    FROM (SELECT agent, unnest(findings) AS one FROM stored.records WHERE kind = 'decision')
"""
_COLUMNS = ("writer", "seq", "recorded_at", "kind", "exchange_id", "session_id", "approval_id", "agent",
            *NAMES, "provider", "model", "action", "code")  # fmt: skip
_NAMED = f"""
    SELECT {", ".join(_COLUMNS)}, body
    FROM (SELECT *, lower(concat(body::VARCHAR, to_json(tags)::VARCHAR)) AS said FROM stored.records)
    WHERE list_contains(from_json($1, '["VARCHAR"]'), owner)
        OR list_contains(from_json($1, '["VARCHAR"]'), on_behalf_of)
        OR len(list_filter(from_json($2, '["VARCHAR"]'), lambda needle: contains(said, needle))) > 0
        OR regexp_matches(said, $3)
    ORDER BY recorded_at, writer, seq
"""  # noqa: S608 - our own names; values are bound


@dataclass(frozen=True, slots=True)
class Mention:
    """A record that is about the person: as what, what of it is theirs, and what of it is to go."""

    columns: Mapping[str, Any]
    roles: tuple[Role, ...]
    said: Sequence[Mapping[str, str]]
    target: Target


class DataSubject:
    """A person by the names that stand in columns, and the values that stand in texts."""

    def __init__(self, key: ServerKey, person: str, values: Sequence[str] = ()) -> None:
        self._key = key
        self._names = sorted({person, *values})
        self._values = sorted({value.lower() for value in values})

    @property
    def pseudonym(self) -> str:
        """The person in records about them: only the server's key links it to the name."""
        return self._key.digest("subject", self._names[0].encode(), *map(str.encode, self._names[1:])).hex()[
            :32
        ]

    def mentions(self, root: Path) -> Iterator[Mention]:
        """Yield every record about the person, in order of time. Raises QueryFailed."""
        needles = self._placeholders(root)
        codes = sorted({needle[-_CODE:] for found in needles.values() for needle in found})
        pattern = f"_({'|'.join(codes)})" if codes else "a^"
        quoted = [json.dumps(name.lower(), ensure_ascii=False) for name in self._names]
        literal = [json.dumps(value, ensure_ascii=False)[1:-1] for value in self._values]
        parameters = [json.dumps(each) for each in (self._names, [*quoted, *literal])]
        with query(root, _NAMED, [*parameters, pattern], limits=_LIMITS) as result:
            for row in result.rows:
                record = dict(zip(result.columns, row, strict=True))
                if found := self._mention(record, needles.get(record["agent"], ())):
                    yield found

    def _placeholders(self, root: Path) -> dict[str, tuple[str, ...]]:
        """Return how each agent's placeholders for the values begin, for the entities found in its texts."""
        vaults: dict[str, Vault] = {}
        found: dict[str, tuple[str, ...]] = {}
        spelled = {form for name in self._names for form in (name, name.lower(), name.upper(), name.title())}
        with query(root, _ENTITIES, limits=_LIMITS) as result:
            for agent, entity in result.rows:
                vault = vaults.setdefault(agent, Vault(self._key.derive("placeholders", agent)))
                codes = (vault.code("placeholder", entity, value)[:_CODE] for value in spelled)
                found[agent] = (*found.get(agent, ()), *(f"<{entity}_{code}" for code in codes))
        return found

    def _mention(self, record: Mapping[str, Any], needles: Sequence[str]) -> Mention | None:
        body = record["body"] if isinstance(record["body"], dict) else {}
        names = [name for name in ("owner", "on_behalf_of") if record[name] in self._names]
        own = "on_behalf_of" in names or ("owner" in names and not record["on_behalf_of"])
        roles: list[Role] = ["end_user"] if "on_behalf_of" in names else []
        roles += ["owner"] if "owner" in names else []
        if own and "owner" in names and record["source_ip"]:
            names.append("source_ip")
        holds = self._holds(needles)

        def is_meant(text: str) -> bool:
            return text in self._names or holds(text)

        places = list(_places(body, is_meant))
        tags = [text for text in (record["tags"] or {}).values() if own or is_meant(text)]
        names += ["tags"] if tags else []
        approved = [place for place, text in places if record["kind"] == "approval" and text in self._names]
        roles += ["approver"] if approved else []
        roles += ["value"] if any(map(holds, [*tags, *(text for _, text in places)])) else []
        whole = own and bool(body) and (record["kind"] in ERASED_KINDS or "summary" in body)
        pointers = ("",) if whole else tuple(place for place, _ in places)
        if not (names or pointers):
            return None
        said = _words(body) if whole else [{"pointer": place, "text": text} for place, text in places]
        columns = {name: record[name] for name in _COLUMNS if record[name] not in ("", None)}
        return Mention(columns, tuple(roles), said,
                       Target(record["writer"], record["seq"], tuple(names), pointers))  # fmt: skip

    def _holds(self, needles: Sequence[str]) -> Callable[[str], bool]:
        """Return whether a text holds a value, as a placeholder or as it is."""
        found = re.compile("|".join(map(re.escape, needles))) if needles else None

        def holds(text: str) -> bool:
            low = text.lower()
            return bool(found and found.search(text)) or any(value in low for value in self._values)

        return holds


def _places(body: Mapping[str, Any], is_meant: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield the pointers and texts in a body that are meant; of a part, the part's pointer."""
    parts = body.get("parts")
    for place, part in enumerate(parts if isinstance(parts, list) else ()):
        if is_meant(text := str(part.get("text", ""))):
            yield f"/parts/{place}", text
    for name, value in body.items():
        if name != "parts":
            yield from _leaves(f"/{_escaped(name)}", value, is_meant)


def _leaves(pointer: str, value: Any, is_meant: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    inner: Iterable[tuple[object, Any]] = ()
    if isinstance(value, str) and is_meant(value):
        yield pointer, value
    elif isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for name, each in inner:
        yield from _leaves(f"{pointer}/{_escaped(str(name))}", each, is_meant)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _words(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what a person's own record says: the texts of its parts, or what approvers were shown."""
    said = [
        {"role": part.get("role", ""), "kind": part["kind"], "pointer": part["pointer"], "text": part["text"]}
        for part in body.get("parts", ())
        if "text" in part
    ]
    return [
        *said,
        *({"pointer": f"/{name}", "text": body[name]} for name in ("summary", "message") if body.get(name)),
    ]
