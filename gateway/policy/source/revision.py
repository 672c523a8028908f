"""What a bundle is called: the git commit whose files it holds, or the digest of the files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from subprocess import TimeoutExpired

from gateway.policy.source.files import policy_files
from gateway.processes import passed_on, run

_SECONDS = 20
_SHOWN = 12  # characters of the digest behind a commit that is not what the bundle holds


def revision_of(folder: Path, digest: str) -> str:
    """Return the commit of HEAD, `<commit>-dirty-<digest>` where a file differs, `digest` outside git.

    The files themselves are compared, byte for byte: what git was told to ignore or to assume unchanged
    would go into the bundle as well.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    listed = None if commit is None else _git(folder, "ls-tree", "-r", "-z", "HEAD", "--", ".")
    if commit is None or listed is None:
        return digest
    name = commit.decode().strip()
    algorithm = "sha1" if len(name) == 40 else "sha256"
    clean = _committed(listed) == _present(folder, algorithm)
    return name if clean else f"{name}-dirty-{digest[:_SHOWN]}"


def _committed(listed: bytes) -> dict[str, str]:
    """Name and object id of each policy file in the listing."""
    found = {}
    for line in listed.split(b"\0"):
        head, _, name = line.decode("utf-8", "surrogateescape").partition("\t")
        if name.endswith((".rego", ".yaml", ".yml", ".json")) and "/." not in f"/{name}":
            found[name] = head.split()[-1]
    return found


def _present(folder: Path, algorithm: str) -> dict[str, str]:
    found = {}
    for path in policy_files(folder):
        content = path.read_bytes()
        blob = hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False)
        found[path.relative_to(folder).as_posix()] = blob.hexdigest()
    return found


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Run git and return its output, None where there is no git, no repository or no commit."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    try:
        git = run("git", "-C", folder, *arguments, seconds=_SECONDS, env={**passed_on(), **settings})
    except (OSError, TimeoutExpired):
        return None
    return git.stdout if git.returncode == 0 else None
