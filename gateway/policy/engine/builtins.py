"""Built-ins that no policy may use: a decision must be repeatable, and must not carry data out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.processes import spawn, stop

# What OPA itself calls nondeterministic. JSON Schemas may refer to other hosts, so theirs are among them.
REFUSED = frozenset(
    {
        "http.send",
        "io.jwt.decode_verify",
        "io.jwt.encode_sign",
        "io.jwt.encode_sign_raw",
        "json.match_schema",
        "json.verify_schema",
        "net.lookup_ip_addr",
        "opa.runtime",
        "rand.intn",
        "time.now_ns",
        "uuid.rfc4122",
    }
)
WHY = "a decision must be repeatable and must not carry data out"

_CAPABILITIES = "capabilities.json"


async def check_builtins(opa: Path, folder: Path, bundle: str) -> None:
    """Compile the bundle `folder/bundle` with OPA's own built-ins less the refused ones.

    Raises ConfigError with OPA's words, the files named as below `folder`, and PolicyUnavailable when OPA
    does not run. Writes a file into `folder`.
    """
    code, said, err = await _run(opa, folder, "capabilities", "--current")
    if code:
        raise PolicyUnavailable(f"opa ended at its start: {err.strip()[:500] or 'without a word'}")
    (folder / _CAPABILITIES).write_text(restricted(said), "utf-8")
    code, out, err = await _run(opa, folder, "check", "--capabilities", _CAPABILITIES, "--bundle", bundle)
    if code:
        raise ConfigError(explained((out + err).strip().removeprefix("error: ")))


def restricted(capabilities: str) -> str:
    """Remove what is refused from the output of `opa capabilities`. Raises PolicyUnavailable."""
    document = _offline(capabilities)
    document["builtins"] = [
        each
        for each in document["builtins"]
        if each["name"] not in REFUSED and not each.get("nondeterministic")
    ]
    return json.dumps(document)


def offline(capabilities: str) -> str:
    """Remove all hosts from the output of `opa capabilities`. Raises PolicyUnavailable."""
    return json.dumps(_offline(capabilities))


def _offline(capabilities: str) -> dict[str, Any]:
    """Remove all hosts: a schema in METADATA may refer to one, and OPA would ask it while it compiles."""
    try:
        document: dict[str, Any] = json.loads(capabilities)
        return {**document, "builtins": list(document["builtins"]), "allow_net": []}
    except (ValueError, KeyError, TypeError) as error:
        raise PolicyUnavailable("opa ended at its start, without a list of its capabilities") from error


def explained(complaint: str) -> str:
    """Return the complaint, with the reason where it is about a refused built-in."""
    named = [name for name in sorted(REFUSED) if f"undefined function {name}" in complaint]
    return f"{complaint} ({', '.join(named)}: {WHY})" if named else complaint


async def _run(opa: Path, folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await spawn(opa, *arguments, cwd=folder)
    try:
        out, err = await process.communicate()
    finally:
        await stop(process)
    return process.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
