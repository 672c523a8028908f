"""`make suites`: the SDKs' own tests, direct against a mock of their API and through the gateway.

Sources are clones of the SDKs' repositories. The mock is what the SDKs test with (`@stdy/cli`), fed with
their OpenAPI file, or made of the types of the Python SDK where the repository has no such file. The clone
is changed in one thing: its key is the gateway's. Each test runs three times: direct, through a gateway
whose policy allows everything, and through one with the shipped policy; where that denies lists, once more
with the lists open.

SUITES=openai-python,openai-node runs some and renews what the page says of them. SUITES_SOURCE says where the
repositories are: a URL or a folder, with {owner} and {name} in it.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import __version__
from suites.clients.install import CACHE, run, with_node
from suites.gateway import ALLOW_ALL, ROOT, SHIPPED, free_port, process, running

_NO_KEY = "rg_none"  # for the mock, which asks for none
_PAGE = ROOT / "docs/reference/suites.md"
_FOLDER = CACHE.parent / "suites"
_SOURCE = os.environ.get("SUITES_SOURCE", "https://github.com/{owner}/{name}")
_STEADY = "@stdy/cli@0.22.2"
_WAYS: Mapping[str, Path | None] = {"direct": None, "allow-all": ALLOW_ALL, "shipped": SHIPPED}
# What the shipped policy opens, as the SDKs of each API name it.
_OPEN: Mapping[str, Collection[str]] = {
    "openai": (
        *("audio", "batches", "chat", "completions", "embeddings", "files", "images", "models"),
        *("moderations", "responses"),
    ),
    "anthropic": (
        "files",
        "messages",
        "models",
        "beta.files",
        "beta.messages",
        "beta.models",
        "MessageStream",
    ),
}
# Lists of what an account keeps, which it denies until a provider's own settings open them.
_LISTS = ["*/files", "*/batches", "*/chat/completions"]
# What it refuses there all the same.
_REFUSED = {
    r"^models/.*delete": "agents may read models, not delete them",
    "request options .* params are passed": "they ask for a path of no API, and get 403 in place of its 404",
}
# They mock answers at a base URL without a path, and send nothing.
_UNSENT = ("--ignore-glob=*test_output_format_conversion.py",)
_BESIDE = (
    *("pytest", "pytest-asyncio", "pytest-xdist", "inline-snapshot", "respx", "httpx"),
    *(
        "rich",
        "trio",
        "griffe",
        "numpy",
        "pandas",
        "dirty-equals",
        "http-snapshot[httpx]",
        "standardwebhooks",
    ),
)
# Of what the Node SDKs develop with. The rest is for their releases.
_NEEDED = re.compile(
    "jest|ts-jest|ts-node|typescript|tslib|@swc/.+|undici|nock|ws|zod|fast-check|iconv-lite|deep-object-diff"
    "|json-schema-to-ts|standardwebhooks"
)
_HEAD = """# Suites: the SDKs' own tests through the gateway

`make suites` runs the tests of the SDKs' resources, at the newest commit, three times: direct against a
mock, through a gateway whose policy allows everything, and through one with the shipped policy. OpenAI's
mock is the one that its SDKs are written for (`@stdy/cli`); Anthropic's is made of the types of its Python
SDK, for the file that the other one needs is not in its repositories. Each row is an area of the API and
says how many tests pass. What passes direct and fails under the policy that allows everything is listed by
name; so is what fails under the shipped policy in an area that it opens. It refuses the other areas by
design (`endpoints.dialects`): they are not run. It denies lists of what an account keeps, too ([decision
82](../decisions/0082-lists-of-files-stay-denied.md)): their tests run once more with the lists open.
"""

Passed = dict[str, bool]
"""Whether a test passed, by `area/test`."""


@dataclass(frozen=True, slots=True)
class Suite:
    """An SDK's tests. `spec` is its OpenAPI file's path; "" where the mock is made of the SDK's types."""

    owner: str
    name: str
    api: str
    tests: str
    keys: str
    spec: str = ""

    @property
    def is_python(self) -> bool:
        return self.tests == "tests/api_resources"


_SUITES = (
    Suite(
        "openai", "openai-python", "openai", "tests/api_resources", "My API Key|My Admin API Key",
        "api_reference/openapi.transformed.yml",
    ),
    Suite(
        "openai", "openai-node", "openai", "tests/api-resources", "My API Key|My Admin API Key",
        "api_reference/openapi.transformed.yml",
    ),
    Suite("anthropics", "anthropic-sdk-python", "anthropic", "tests/api_resources", "my-anthropic-api-key"),
    Suite(
        "anthropics", "anthropic-sdk-typescript", "anthropic", "tests/api-resources", "my-anthropic-api-key"
    ),
)  # fmt: skip


def main() -> int:
    """Run the suites and renew the page; 0 when the gateway breaks nothing that it lets pass."""
    names = set(filter(None, os.environ.get("SUITES", "").split(",")))
    worse = False
    for suite in _SUITES:
        if names and suite.name not in names:
            continue
        try:
            section, broken = _section(suite)
        except subprocess.CalledProcessError as error:
            said = (str(error.stderr or "").strip().splitlines() or [str(error)])[-1]
            section, broken = f"## {suite.name}\n\nNot run: {said}\n", False
        print(section, flush=True)
        (_FOLDER / f"{suite.name}.md").write_text(section)
        worse |= broken
    seen = [_FOLDER / f"{suite.name}.md" for suite in _SUITES]
    _PAGE.write_text("\n".join([_HEAD, *(one.read_text() for one in seen if one.exists())]))
    return int(worse)


def _section(suite: Suite) -> tuple[str, bool]:
    """Return what the page says of a suite, and whether the gateway breaks what it lets pass."""
    source, version = _clone(suite)
    _prepare(suite, source)
    found: dict[str, Passed] = {}
    with _mock(suite, source) as mock:
        for way, policy in _WAYS.items():
            if policy is None:
                found[way] = _tested(suite, source, way, mock, _NO_KEY)
            else:
                found[way] = _governed(suite, source, way, mock, policy)
        with tempfile.TemporaryDirectory(prefix="regate-suites-policy-") as folder:
            opened = _governed(suite, source, "lists", mock, _with_lists(suite, Path(folder, "policy")))
    direct, areas = found["direct"], sorted({name.partition("/")[0] for name in found["direct"]})
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [f"## {suite.name} {version}", "", f"Seen on {today} with Regate {__version__}.", ""]
    lines += ["| area | direct | allow-all | shipped |", "|---|---|---|---|"]
    lines += [f"| {area} | {' | '.join(_count(one, area) for one in found.values())} |" for area in areas]
    lost = {
        way: _lost(direct, found[way], areas if way == "allow-all" else _OPEN[suite.api]) for way in found
    }
    refused = {
        name: why for name in lost["shipped"] for shape, why in _REFUSED.items() if re.search(shape, name)
    }
    listing = [name for name in lost["shipped"] if opened.get(name)]
    lost["shipped"] = [name for name in lost["shipped"] if name not in refused and name not in listing]
    for way, tests in lost.items():
        lines += (
            ["", f"Pass direct and fail under {way}:", "", *(f"- `{one}`" for one in tests)] if tests else []
        )
    if listing:
        lines += ["", f"Denied as shipped, pass with `lists: {json.dumps(_LISTS)}` under the provider:", ""]
        lines += [f"- `{one}`" for one in listing]
    for why in sorted(set(refused.values())):
        lines += ["", f"Not counted, {list(refused.values()).count(why)} tests: {why}."]
    return "\n".join([*lines, ""]), any(lost.values())


def _governed(suite: Suite, source: Path, way: str, mock: str, policy: Path) -> Passed:
    with running({suite.api: (suite.api, mock)}, policy) as gateway:
        return _tested(suite, source, way, f"{gateway.url}/{suite.api}", gateway.key)


def _with_lists(suite: Suite, folder: Path) -> Path:
    """Copy the shipped policy into a folder, with the lists of the SDK's provider open."""
    shutil.copytree(SHIPPED, folder)
    settings = folder / "settings/data.yaml"
    opening = f"providers: {json.dumps({suite.api: {'lists': _LISTS}})}\n"
    settings.write_text(settings.read_text().replace("providers: {}\n", opening))
    return folder


def _count(passed: Passed, area: str) -> str:
    inside = [well for name, well in passed.items() if name.startswith(f"{area}/")]
    return f"{sum(inside)} of {len(inside)}" if inside else "–"


def _lost(direct: Passed, through: Passed, areas: Collection[str]) -> list[str]:
    return sorted(
        name for name, well in direct.items()
        if well and not through.get(name) and name.partition("/")[0] in areas
    )  # fmt: skip


def _clone(suite: Suite) -> tuple[Path, str]:
    """Bring the source up to date. Return its folder and what version it is."""
    folder = _FOLDER / suite.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    source = _SOURCE.format(owner=suite.owner, name=suite.name)
    run("git", "clone", "--quiet", "--depth", "1", source, str(folder))
    manifest = (folder / ("pyproject.toml" if suite.is_python else "package.json")).read_text()
    found = re.search(r'^\s*"?version"?\s*[=:]\s*"([^"]+)"', manifest, re.MULTILINE)
    commit = run("git", "-C", str(folder), "rev-parse", "--short", "HEAD").strip()
    return folder, f"{found[1] if found else ''} ({commit})"


def _prepare(suite: Suite, source: Path) -> None:
    """Install what the tests need, beside the source."""
    if suite.is_python:
        python = str(source / ".venv/bin/python")
        run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(source / ".venv"))
        manifest = (source / "pyproject.toml").read_text()
        extras = [
            name
            for name in ("aiohttp", "bedrock", "mcp")
            if re.search(rf"^{name} = \[", manifest, re.MULTILINE)
        ]
        installed = [f"{source}[{','.join(extras)}]", *_BESIDE]
        run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *installed)
        return
    manifest = json.loads((source / "package.json").read_text())
    every = manifest["devDependencies"] | manifest.get("dependencies", {})
    wanted = [f"{name}@{version}" for name, version in every.items() if _NEEDED.fullmatch(name)]
    (source / "package.json").rename(source / "package.full.json")
    run(
        "npm",
        "install",
        "--prefix",
        str(source),
        "--no-audit",
        "--no-fund",
        "--loglevel",
        "error",
        *wanted,
        cwd=source,
    )
    (source / "package.full.json").replace(source / "package.json")
    with_node(source)


@contextmanager
def _mock(suite: Suite, source: Path) -> Iterator[str]:
    """Run the mock of an API on its OpenAPI file, or on the types of its Python SDK."""
    folder, port = _FOLDER / "mock", free_port()
    if suite.spec:
        run(
            "npm",
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            "--loglevel",
            "error",
            _STEADY,
        )
        command = [str(folder / "node_modules/.bin/steady"), "--host", "127.0.0.1", "-p", str(port)]
        for where in ("query", "form"):
            command += [f"--validator-{where}-{what}-format=brackets" for what in ("array", "object")]
        command.append(str(source / suite.spec))
    else:
        sdk = next(one for one in _SUITES if one.api == suite.api and one.is_python)
        python = _FOLDER / sdk.name / ".venv/bin/python"
        if not python.exists():
            _prepare(sdk, _clone(sdk)[0])
        command = [str(python), str(Path(__file__).parent / "typed_mock.py"), suite.api, str(port)]
    with process(command, port):
        yield f"http://127.0.0.1:{port}"


def _tested(suite: Suite, source: Path, way: str, url: str, key: str) -> Passed:
    """Run the tests against `url` and return which passed."""
    for file in (source / "tests").rglob("*"):
        if file.is_file() and file.suffix in (".py", ".ts"):
            text = file.read_text()
            keyed = re.sub(f"(['\"])(?:{suite.keys}|rg_[\\w-]+)\\1", rf"\g<1>{key}\1", text)
            if keyed != text:
                file.write_text(keyed)
    report = source / f"{way}.report"
    env = {**os.environ, "TEST_API_BASE_URL": url, "PATH": f"{source}/node_modules/.bin:{os.environ['PATH']}"}
    places = (
        [suite.tests] if way in ("direct", "allow-all") else _open_places(source / suite.tests, suite.api)
    )
    if suite.is_python:
        command = [str(source / ".venv/bin/python"), "-m", "pytest", "-q", "-k", "not async", "--tb=no"]
        command += ["-p", "no:cacheprovider", f"--junitxml={report}", *_UNSENT, *places]
    else:
        command = ["jest", "--json", f"--outputFile={report}", "--forceExit", "--maxWorkers=2", *places]
    with (source / f"{way}.log").open("w") as log:
        ended = subprocess.run(command, cwd=source, env=env, stdout=log, stderr=log)
    if not report.exists():
        raise subprocess.CalledProcessError(ended.returncode, command, stderr=Path(log.name).read_text())
    return dict(_of_pytest(report) if suite.is_python else _of_jest(report, source / suite.tests))


def _open_places(tests: Path, api: str) -> list[str]:
    """Return the files and folders of the areas that the shipped policy opens."""
    found = {path: path.name for path in tests.iterdir()}
    found |= {path: f"beta.{path.name}" for path in tests.glob("beta/*")}
    return [
        str(path) for path, name in sorted(found.items())
        if re.sub(r"test_|\.py$|\.test\.ts$", "", name) in _OPEN[api]
    ]  # fmt: skip


def _of_pytest(report: Path) -> Iterator[tuple[str, bool]]:
    for case in ElementTree.parse(report).iter("testcase"):
        place = (
            str(case.get("classname"))
            .partition("api_resources.")[2]
            .replace(".test_", ".")
            .removeprefix("test_")
        )
        well = all(case.find(fault) is None for fault in ("failure", "error", "skipped"))
        yield f"{_area(place.replace('.', '/'))}/{place}::{case.get('name')}", well


def _of_jest(report: Path, tests: Path) -> Iterator[tuple[str, bool]]:
    for file in json.loads(report.read_text())["testResults"]:
        place = str(Path(file["name"]).relative_to(tests)).removesuffix(".test.ts")
        for case in file["assertionResults"]:
            yield f"{_area(place)}/{place}::{case['fullName']}", case["status"] == "passed"


def _area(place: str) -> str:
    """Return the area of a test by its place; the beta of an area is one of its own."""
    first, _, rest = place.partition("/")
    return f"beta.{rest.partition('/')[0]}" if first == "beta" else first


if __name__ == "__main__":
    sys.exit(main())
