"""Bundles gone wrong: each a way in which somebody might hand a gateway another policy than the signed."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.policy import PolicySource, load_source
from gateway.policy.bundle.archive import MAX_UNPACKED, pack, unpack
from gateway.policy.bundle.bundle import build_bundle
from gateway.policy.bundle.signature import SIGNATURES, sign
from gateway.policy.bundle.signing_keys import SigningKey

LIBRARY = Path(__file__).parents[2] / "policies" / "rego"
ROGUE = b"package regate.rules.rogue\n\nverdicts contains 1 if false\n"


def library() -> PolicySource:
    return load_source(LIBRARY)


def signed(files: Mapping[str, bytes], key: SigningKey) -> bytes:
    """The files with a signature that fits: what is wrong with them is not that."""
    files = {name: content for name, content in files.items() if name != SIGNATURES}
    return pack({**files, SIGNATURES: sign(files, key)})


def tampered(key: SigningKey) -> bytes:
    """The library's bundle, as it was signed but for one rule."""
    files = unpack(build_bundle(library(), key))
    name = next(name for name in files if name.endswith("main.rego"))
    return pack({**files, name: files[name].replace(b'"deny"', b'"allow"')})


def tar_of(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A gzipped tar of whatever entries, in their order."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


class _Negative(tarfile.TarInfo):
    """Says that it has less than nothing in it: a reader that believes it goes backwards for ever."""

    def get_info(self) -> Mapping[str, str | int | bytes | Mapping[str, str]]:
        return {**super().get_info(), "size": -1024}


def negative(name: str) -> tarfile.TarInfo:
    return _Negative(name)


def broken_archives(key: SigningKey) -> dict[str, tuple[bytes, str]]:
    """Each kind of broken bundle, with what the refusal has to say."""
    good = build_bundle(library(), key)
    files = unpack(good)
    other = SigningKey(_another())
    manifest = files[".manifest"]
    return {
        "empty": (b"", "cut off"),
        "no gzip": (b"PK\x03\x04" + bytes(100), "no gzip archive"),
        "cut off": (good[: len(good) // 2], "cut off"),
        "cut inside the tar": (gzip.compress(gzip.decompress(good)[:20_000]), "no whole tar|but not in both"),
        "something behind": (good + b"more", "bytes follow"),
        "bomb": (gzip.compress(bytes(MAX_UNPACKED + 1)), "unpacks to more than"),
        "climbs": (tar_of([(entry("../main.rego"), b"")]), "not a name"),
        "climbs inside": (tar_of([(entry("rules/../../x.rego"), b"")]), "not a name"),
        "absolute": (tar_of([(entry("//etc/x.rego"), b"")]), "not a name"),
        "hidden": (tar_of([(entry("rules/.x.rego"), b"")]), "not a name"),
        "control": (tar_of([(entry("rules/\nx.rego"), b"")]), "not a name"),
        "link": (tar_of([(entry("main.rego", tarfile.SYMTYPE, "/etc/passwd"), b"")]), "no plain file"),
        "hard link": (tar_of([(entry("main.rego", tarfile.LNKTYPE, "x.rego"), b"")]), "no plain file"),
        "device": (tar_of([(entry("main.rego", tarfile.CHRTYPE), b"")]), "no plain file"),
        "of negative size": (tar_of([(negative("main.rego"), b"")]), "no plain file|no whole tar"),
        "twice": (tar_of([(entry("main.rego"), b"a"), (entry("main.rego"), b"b")]), "in it twice"),
        "unsigned": (build_bundle(library(), None), "is not signed"),
        "signed by another": (
            build_bundle(library(), other),
            "it is signed by|does not fit the key",
        ),
        "tampered": (tampered(key), "is not what was signed"),
        "one more": (pack({**files, "rules/rogue.rego": ROGUE}), "but not in both"),
        "one less": (pack({n: c for n, c in files.items() if n != "rules/pii.rego"}), "but not in both"),
        "outside the roots": (
            signed({**files, "system/authz.rego": b"package system.authz\n"}, key),
            "found package system.authz",
        ),
        "data outside": (signed({**files, "data.json": b"{}"}, key), "nothing else in a bundle"),
        "another file": (signed({**files, "policy.wasm": b"\0asm"}, key), "nothing else in a bundle"),
        "other roots": (signed({**files, ".manifest": manifest.replace(b'"regate",', b'"",')}, key), "roots"),
        "no revision": (
            signed({**files, ".manifest": b'{"revision":"","roots":["regate","settings"]}'}, key),
            "expected a revision",
        ),
        "no manifest": (signed({n: c for n, c in files.items() if n != ".manifest"}, key), "no .manifest"),
        "settings of another shape": (
            signed({**files, "settings/data.json": b'{"groups":[]}'}, key),
            "settings: ",
        ),
    }


def _another() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
