"""Names in the settings, looked up among what exists: a misspelt one would switch its rule off in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.contract import schema_of
from gateway.errors import ConfigError
from gateway.policy.source.files import policy_files, read_text
from gateway.policy.source.hints import closest
from gateway.policy.source.settings import SETTINGS, declared, place_of

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.policy.source.source import PolicySource

Names = Mapping[str, Collection[str]]
"""What exists, by kind, as in `_MISSING`. A kind that is missing is not looked at."""

_TERMS = ((), ("groups", "*"), ("providers", "*"), ("dialects", "*"))
_LIMITED = ("groups", "agents")
# Where the settings name something, and what: * is a key or an entry of a list.
_PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    *(((*above, "entities", "*"), "entity") for above in _TERMS),
    (("attributes", "*", "entity"), "entity"),
    (("dialects", "*"), "dialect"),
    (("endpoints", "dialects", "*"), "dialect"),
    (("providers", "*"), "provider"),
    (("groups", "*", "providers", "*"), "provider"),
    (("waivers", "*", "provider"), "provider"),
    *(((of, "*", limit, "providers", "*"), "provider") for of in _LIMITED for limit in ("only", "deny")),
    (("groups", "*"), "group"),
    (("approval", "groups", "*"), "group"),
    (("agents", "*"), "agent"),
    (("log_only", "*"), "rule"),
    (("waivers", "*", "rule"), "rule"),
    (("waivers", "*", "group"), "group"),
)
# Keys come and go without an edit of the settings: of groups and agents only a slip is a fault.
_OPEN = frozenset({"agent", "group"})
_MISSING = {
    "entity": "no detector finds",
    "dialect": "no dialect is called",
    "provider": "regate.yaml has no provider",
    "group": "no key has the group",
    "agent": "no key is of the agent",
    "rule": "no verdict has the name",
}


def built_in(config: Config) -> Names:
    """Return the names that only the product and its configuration give: no other gateway knows more."""
    from gateway.contract import ENTITIES  # here: a policy is read without them
    from gateway.dialects import dialect_names

    custom = [entity.entity for entity in config.detect.custom]
    return {"entity": [*ENTITIES, *custom], "dialect": list(dialect_names())}


def unknown_names(source: PolicySource, names: Names) -> Iterator[ConfigError]:
    """Yield the names that are none of `names`, each with its place and what it should have been."""
    for steps, told in misnamed(source.data.get(SETTINGS, {}), names):
        dotted = ".".join([SETTINGS, *map(str, steps)])
        yield ConfigError(f"{place_in(source.root, steps)}: {dotted}: {told}")


def misnamed(
    settings: Mapping[str, Any], names: Names, only_slips: Collection[str] = _OPEN
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the steps to each name that is none of `names`, and what it should have been.

    Of the kinds in `only_slips` others may exist: a name counts when it is nearly one that does.
    """
    for pattern, kind in _PLACES:
        for steps, name in _named(settings, pattern) if kind in names else ():
            if _names_one(kind, steps, name, names[kind]):
                continue
            meant = closest(name, names[kind])
            if meant or kind not in only_slips:
                known = ", ".join(sorted(names[kind]))
                hint = f"did you mean {meant}?" if meant else f"expected one of {known}"
                yield steps, f"{_MISSING[kind]} {name}; {hint}"


def misspelt_topics(root: Path, files: Mapping[str, str], data: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Yield keys at the top that are no topic's own and nearly one that the shipped rules read."""
    known = schema_of("settings")["properties"]
    for name in sorted(data.get(SETTINGS, {}).keys() - known):
        if (meant := closest(name, known)) and name not in _topics(root, files):
            place = place_of(root, files, (name,))
            own = f"give data.{SETTINGS}.{name} a schema in METADATA if it is of a topic of your own"
            yield ConfigError(f"{place}: {SETTINGS}.{name}: no rule reads it; did you mean {meant}? {own}")


def _topics(root: Path, files: Mapping[str, str]) -> set[str]:
    """Return the settings that modules declare."""
    modules = [(root / name, text) for name, text in files.items() if name.endswith(".rego")]
    return {steps[0] for path, text in modules for steps, _ in declared(path, text)}


def _names_one(kind: str, steps: tuple[str | int, ...], name: str, known: Collection[str]) -> bool:
    """Return whether the name is known, or a glob over names that are. Braces are left to the engine."""
    if name in known:
        return True
    if kind == "rule":  # the names of a topic may be computed: it is known as a glob
        return any(fnmatchcase(each, name) or fnmatchcase(name, each) for each in known)
    is_glob = kind == "provider" and len(steps) > 2
    return is_glob and ("{" in name or any(fnmatchcase(each, name) for each in known))


def place_in(root: Path, steps: tuple[str | int, ...]) -> str:
    """Return file and line in a folder; a bundle is one file."""
    if not root.is_dir():
        return str(root)
    files = {path.relative_to(root).as_posix(): read_text(path) for path in policy_files(root)}
    return place_of(root, files, steps)


def _named(
    value: Any, pattern: tuple[str, ...], at: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each name that stands where the pattern says, and the steps to it."""
    if not pattern:
        if isinstance(value, str):
            yield at, value
        return
    step, *rest = pattern
    if step != "*":
        if isinstance(value, Mapping) and step in value:
            yield from _named(value[step], tuple(rest), (*at, step))
        return
    entries = (
        enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, Mapping) else ()
    )
    for key, inner in entries:
        if rest or isinstance(value, list):
            yield from _named(inner, tuple(rest), (*at, key))
        else:
            yield (*at, key), str(key)
