"""`regate scan`: what in a code base goes around the gateway, whose it is, and the lines that mend it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from cli.sarif import sarif_log, sarif_place
from cli.scan.bypasses import Bypass, bypasses, variables
from cli.scan.clients import VENDORS
from cli.scan.sources import CodeBase, SourceFile
from cli.screen import line

# Settings in these folders are about the folder that holds them.
_DEPLOYMENT = frozenset(
    {"deploy", "deployment", "k8s", "kubernetes", "helm", "charts", "templates", "manifests", "ops", "infra"}
    | {"docker", "compose", "config", "conf", "env", ".github", "workflows", ".devcontainer", "terraform"}
)
_USUAL = "http://127.0.0.1:8700"
_ABOUT = {
    "provider_host": "A provider is called by its own address.",
    "direct_client": "A client of a provider's SDK is made without an address.",
    "provider_key": "A provider's key stands in the code.",
}


class Report(StrEnum):
    """How the findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


@dataclass(frozen=True, slots=True)
class Owned:
    """A way around, with the owners of its file and the two lines that mend it."""

    bypass: Bypass
    owners: tuple[str, ...]
    fix: tuple[str, str]


def scan(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files and folders. [default: this folder]")
    ] = None,
    gateway: Annotated[
        str,
        typer.Option(metavar="URL", help="Where the gateway is: settings that name it send SDKs there."),
    ] = "",
    form: Annotated[Report, typer.Option("--format", help="How to write the findings.")] = Report.TEXT,
) -> None:
    """Find calls in a code base that go around the gateway.

    Exit code 1 when there are any, 2 when a file cannot be read.

    Example: regate scan services/ --format sarif > scan.sarif
    """
    base = CodeBase(paths or [Path()])
    found = list(_found(base, gateway.rstrip("/")))
    match form:
        case Report.TEXT:
            _print(found)
        case Report.JSON:
            typer.echo(json.dumps([_row(one) for one in found], ensure_ascii=False, indent=1))
        case Report.SARIF:
            typer.echo(json.dumps(_sarif(found), ensure_ascii=False, indent=1))
    for left in (*base.unread, *base.large):
        typer.echo(line(f"not read: {left}"), err=True)
    raise typer.Exit(2 if base.unread else 1 if found else 0)


def _found(base: CodeBase, gateway: str) -> Iterator[Owned]:
    sources = list(base.sources())
    moved: dict[PurePosixPath, frozenset[str]] = {}
    for source in sources:
        if told := variables(source, gateway):
            moved[_governed(source)] = moved.get(_governed(source), frozenset()) | told
    for source in sources:
        around = (moved.get(folder, ()) for folder in PurePosixPath(source.name).parents)
        here = frozenset(chain.from_iterable(around))
        for one in bypasses(source, here):
            yield Owned(one, base.owners.of(one.name), _fix(one, gateway))


def _governed(source: SourceFile) -> PurePosixPath:
    """Return the folder that a file of settings is about."""
    folder = PurePosixPath(source.name).parent
    while folder.name in _DEPLOYMENT:
        folder = folder.parent
    return folder


def _fix(one: Bypass, gateway: str) -> tuple[str, str]:
    """Return the address and the key that mend it, as code of the file's language or as variables."""
    vendor = VENDORS[one.vendor]
    address = f"{gateway or _USUAL}{vendor.path}"
    match PurePosixPath(one.name).suffix:
        case ".py" | ".ipynb":
            return f'base_url="{address}",', 'api_key=os.environ["REGATE_KEY"],'
        case ".js" | ".jsx" | ".mjs" | ".cjs" | ".ts" | ".tsx" | ".mts" | ".cts" | ".vue" | ".svelte":
            return f'baseURL: "{address}",', "apiKey: process.env.REGATE_KEY,"
        case ".go":
            return f'option.WithBaseURL("{address}"),', 'option.WithAPIKey(os.Getenv("REGATE_KEY")),'
        case ".java" | ".kt" | ".kts" | ".scala":
            return f'.baseUrl("{address}")', '.apiKey(System.getenv("REGATE_KEY"))'
        case ".rb":
            return f'base_url: "{address}",', 'api_key: ENV["REGATE_KEY"],'
    name = (*vendor.variables, f"{one.vendor.upper()}_BASE_URL")[0]
    return f"{name}={address}", f"{name.split('_')[0]}_API_KEY=$REGATE_KEY"


def _print(found: Sequence[Owned]) -> None:
    for one in found:
        owners = f"  {' '.join(one.owners)}" if one.owners else ""
        typer.echo(line(f"{one.bypass.name}:{one.bypass.line}: {one.bypass.said}{owners}"))
        for fix in one.fix:
            typer.echo(line(f"    {fix}"))
    files = len({one.bypass.name for one in found})
    said = f"{len(found)} in {files} file{'s' * (files != 1)}" if found else "nothing goes around the gateway"
    typer.echo(said, file=sys.stderr)


def _row(one: Owned) -> dict[str, Any]:
    bypass = one.bypass
    return {
        "file": bypass.name,
        "line": bypass.line,
        "kind": bypass.kind,
        "provider": bypass.vendor,
        "message": bypass.said,
        "owners": list(one.owners),
        "fix": list(one.fix),
    }


def _sarif(found: Sequence[Owned]) -> dict[str, Any]:
    results = [
        {
            "ruleId": one.bypass.kind,
            "level": "error",
            "message": {"text": f"{one.bypass.said}. Instead: {' '.join(one.fix)}"},
            "locations": [sarif_place(one.bypass.name, one.bypass.line)],
            "partialFingerprints": {"regate/v1": f"{one.bypass.kind}:{one.bypass.subject}"},
            "properties": {"owners": list(one.owners)},
        }
        for one in found
    ]
    return sarif_log("regate scan", _ABOUT, results)
