"""Reads `regate.yaml` once and checks it whole, before anything starts."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway.config.config import Config
from gateway.config.providers import Provider
from gateway.config.variables import SECRETS, NotExpanded, expand
from gateway.config.yaml12 import strict_yaml
from gateway.errors import ConfigError

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


def load_config(path: Path) -> Config:
    """Read and check the file.

    Raises ConfigError with the file, the path in it, what was found and what was expected.
    """
    try:
        document = expand(strict_yaml(path.read_text("utf-8")), os.environ)
    except NotExpanded as error:
        raise ConfigError(f"{path}: {error}") from error
    except OSError as error:
        new = "; regate init writes a new one" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"{path}: cannot be read: {error.strerror}{new}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if isinstance(document, dict) and "root" in document:
        raise ConfigError(f"{path}: $.root: found an unknown key; it is not a setting")
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(error, document)}") from error
    from gateway.dialects import families  # here: processes that are given their settings do without

    for name, provider in config.providers.items():
        if provider.family not in families():
            expected = f"Expected one of {', '.join(families())}, found {provider.family!r}"
            near = get_close_matches(provider.family, families(), n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{path}: $.providers.{name}.family: {expected}{meant}")
        if config.vault is None and any(one.startswith("vault:") for one in provider.all_references):
            expected = "expected the section `vault`, which says where that is"
            raise ConfigError(f"{path}: $.providers.{name}: found a credential of a Vault; {expected}")
        if families()[provider.family].issued_headers and (provider.deployments or provider.credentials[1:]):
            expected = f"one address and one credential: sessions of family {provider.family} live at one"
            raise ConfigError(f"{path}: $.providers.{name}: found several; expected {expected}")
        for other in provider.fallback:
            if fault := _fallback_fault(config, name, other):
                raise ConfigError(f"{path}: $.providers.{name}.fallback: found {other!r}; {fault}")
    try:
        return msgspec.structs.replace(config, root=path.resolve().parent)
    except ValueError as error:  # what only shows once the paths are known
        raise ConfigError(f"{path}: {error}") from error


def config_path() -> Path:
    """Return the file that REGATE_CONFIG names, else `regate.yaml` in the working directory."""
    return Path(os.environ.get("REGATE_CONFIG", "regate.yaml"))


def resolve_reference(reference: str) -> str | None:
    """Return the secret behind `env:NAME` or `file:/path`, None when it is not set. Never log or store it."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return os.environ.get(name) or None
    try:
        return Path(name).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _explain(error: msgspec.ValidationError, document: object) -> str:
    """Turn msgspec's `<what> - at `$.a.b`` into the path, what was expected and what was found."""
    what, _, at = str(error).partition(" - at ")
    tokens = re.findall(r"\[\.\.\.\]|[^.\[\]$`]+", at)
    if "[...]" in tokens:  # msgspec does not say which provider: the first that does not convert
        tokens[tokens.index("[...]")] = _first_invalid(document)
    path = ".".join(["$", *tokens])
    if SECRETS.intersection(tokens[-1:]):  # what stands there may be the secret itself
        return f"{path}: {what}"
    if what.startswith("Invalid enum value"):
        what = f"Expected one of {', '.join(_choices(tokens))}"
    if unknown := _UNKNOWN.fullmatch(what):
        known = [field.name for field in getattr(_node(tokens), "fields", ()) if field.name != "root"]
        near = get_close_matches(unknown[1], known, n=1)
        what += f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
    found = _at(document, tokens)
    return f"{path}: {what}" if isinstance(found, dict | list) else f"{path}: {what}, found {found!r}"


def _first_invalid(document: Any) -> str:
    for name, provider in document["providers"].items():
        try:
            msgspec.convert(provider, Provider)
        except msgspec.ValidationError:
            return str(name)
    return "[...]"


def _fallback_fault(config: Config, name: str, other: str) -> str:
    """Return what is wrong with a fallback of a provider; "" when nothing is."""
    if other == name:
        return "expected another provider"
    if other not in config.providers:
        near = get_close_matches(other, config.providers, n=1, cutoff=0.7)
        return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(config.providers)}"
    family, theirs = config.providers[name].family, config.providers[other].family
    return "" if theirs == family else f"expected a provider of family {family}, and it is {theirs}"


def _choices(tokens: list[str]) -> list[str]:
    """Return the values that the setting at this path may take."""
    return [str(value) for value in getattr(_node(tokens), "values", ()) if value]


def _node(tokens: list[str]) -> Any:
    """Return the type of the setting at this path."""
    node: Any = msgspec.inspect.type_info(Config)
    for token in tokens:
        if isinstance(node, msgspec.inspect.DictType):
            node = node.value_type
        elif isinstance(node, msgspec.inspect.VarTupleType):
            node = node.item_type
        elif isinstance(node, msgspec.inspect.StructType):
            node = next(field.type for field in node.fields if field.name == token)
        if isinstance(node, msgspec.inspect.UnionType):  # a section that may be left out
            node = next(one for one in node.types if not isinstance(one, msgspec.inspect.NoneType))
    return node


def _at(document: object, tokens: list[str]) -> object:
    """Return the value at a path, or the nearest one above it."""
    for token in tokens:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdigit() and int(token) < len(document):
            document = document[int(token)]
        else:
            break
    return document
