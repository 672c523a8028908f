"""Configurations for the gateways of the tests, and copies of the shipped policy with edits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.policy import find_opa
from tests.support.prefork import ROOT

SHIPPED = ROOT / "policies" / "rego"
ENGINES = ("sidecar", "embedded")


def configuration(
    provider_url: str,
    *,
    engine: str,
    policy: Path = SHIPPED,
    enforce: bool = True,
    shadow: Path | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A `regate.yaml` whose providers all are the fake one, under a base path of its own where named so."""
    credential = "env:UPSTREAM_KEY"
    config: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "providers": {
            "openai": {"family": "openai", "base_url": provider_url, "credential": credential},
            "anthropic": {"family": "anthropic", "base_url": provider_url, "credential": credential},
            "based": {"family": "openai", "base_url": f"{provider_url}/base/path/", "credential": credential},
            "refusing": {"family": "openai", "base_url": "http://127.0.0.1:1", "credential": credential},
            "unset": {"family": "openai", "base_url": provider_url, "credential": "env:NOBODY_SET_THIS"},
            "demo": {"family": "openai", "base_url": "builtin:demo"},
        },
        "policy": {"engine": engine, "path": str(policy), "enforce": enforce},
        "audit": {"path": "audit"},
        "state": "sqlite:///state/regate.db",
    }
    if shadow:
        config["policy"]["shadow"] = str(shadow)
    return _merged(config, changes)


def policy_copy(folder: Path, settings: Mapping[str, Any] = {}, rules: Mapping[str, str] = {}) -> Path:
    """A copy of the shipped policy with settings merged in and rule files added.

    Unlike the shipped one it holds phrases of injection in the user's words too: an easy way to an approval.
    """
    copy = folder / "policy"
    shutil.copytree(SHIPPED, copy)
    edit_settings(copy, _merged({"injection": {"trusted_roles": ["assistant"]}}, settings))
    for name, text in rules.items():
        (copy / "rules" / name).write_text(text)
    return copy


def edit_settings(policy: Path, changes: Mapping[str, Any]) -> None:
    """Merge changes into `settings/data.yaml`, written in one step as an editor does."""
    path = policy / "settings" / "data.yaml"
    settings = _merged(yaml.safe_load(path.read_text()), changes)
    draft = path.with_suffix(".draft")
    draft.write_text(yaml.safe_dump(settings, sort_keys=False))
    draft.rename(path)


def need_engine(engine: str) -> str:
    """Skip a sidecar test where there is no OPA, unless this machine promised one."""
    if engine == "sidecar" and find_opa() is None:
        if os.environ.get("REGATE_REQUIRE_OPA") == "1":
            pytest.fail("REGATE_REQUIRE_OPA=1, and no opa was found")
        pytest.skip("no opa binary: run make setup")
    return engine


def any_engine() -> str:
    """The engine for tests in which it does not matter: the one of production where there is one."""
    return "sidecar" if find_opa() is not None else "embedded"


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        merged[key] = (
            _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
        )
    return merged
