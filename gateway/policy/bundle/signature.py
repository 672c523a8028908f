"""Signatures of bundles as OPA knows them: one JWT over the digests of all files.

https://www.openpolicyagent.org/docs/management-bundles/#signature-format. The signing is our own, because it
has to be the same byte for byte every time, and ECDSA as libraries offer it takes a random number.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature

from gateway.dialects import strict_json
from gateway.policy.bundle.signing_keys import SigningKey, VerifyKey

SIGNATURES = ".signatures.json"
MANIFEST = ".manifest"
_STRUCTURED = (MANIFEST, SIGNATURES, "data.json", "data.yaml")  # by the last step of the name, as in OPA
_ALGORITHM = "SHA-256"


class BadBundleSignature(ValueError):
    """Files that the key did not sign; the message says why."""


def sign(files: Mapping[str, bytes], key: SigningKey) -> bytes:
    """Return the content of `.signatures.json` for these files."""
    listed = [
        {"algorithm": _ALGORITHM, "hash": digest(name, content), "name": name}
        for name, content in sorted(files.items())
    ]
    head = {"alg": key.public.algorithm, "kid": key.public.key_id}
    signed = b".".join(_base64(canonical(each)) for each in (head, {"files": listed}))
    token = signed + b"." + _base64(key.sign(signed))
    return canonical({"signatures": [token.decode()]})


def verify(files: Mapping[str, bytes], key: VerifyKey) -> None:
    """Check that `key` signed exactly these files, `.signatures.json` aside. Raises BadBundleSignature."""
    token = signature_of(files)
    if token is None:
        raise BadBundleSignature("it is not signed")
    head, listed = _read(token, key)
    if head.get("kid", key.key_id) != key.key_id:
        raise BadBundleSignature(f"it is signed by the key {str(head['kid'])[:100]}, expected {key.key_id}")
    signed = {name: content for name, content in files.items() if name != SIGNATURES}
    missing = sorted(set(listed) ^ set(signed))
    if missing:
        raise BadBundleSignature(f"{missing[0]} is in the archive or in its signature, but not in both")
    for name, content in signed.items():
        if listed[name] != digest(name, content):
            raise BadBundleSignature(f"{name} is not what was signed")


def signature_of(files: Mapping[str, bytes]) -> str | None:
    """Return the one JWT of `.signatures.json`, None without the file. Raises BadBundleSignature."""
    if SIGNATURES not in files:
        return None
    try:
        document = json.loads(files[SIGNATURES])
        (token,) = document["signatures"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadBundleSignature(f"{SIGNATURES}: expected one signature") from error
    if set(document) != {"signatures"} or not isinstance(token, str):
        raise BadBundleSignature(f"{SIGNATURES}: expected one signature and nothing else")
    return token


def key_id_of(token: str) -> str:
    """Return the key that a token names, unproven; "" where it names none. Raises BadBundleSignature."""
    return str(_document(token.partition(".")[0]).get("kid", ""))[:100]


def digest(name: str, content: bytes) -> str:
    """Return the SHA-256 in hexadecimal: of structured files over what they say, of others over their bytes.

    Raises BadBundleSignature when a structured file cannot be read.
    """
    if name.rpartition("/")[2] in _STRUCTURED:
        try:
            content = canonical(_parsed(content))
        except (ValueError, RecursionError) as error:
            raise BadBundleSignature(f"{name}: cannot be read as JSON") from error
    return hashlib.sha256(content).hexdigest()


def canonical(document: Any) -> bytes:
    """Return JSON as OPA hashes it: keys sorted, no space, numbers as they were written, strings as in Go."""
    return "".join(_tokens(document)).encode()


def _read(token: str, key: VerifyKey) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the token's head and the digests that it lists, once its signature is proven."""
    signed, _, signature = token.rpartition(".")
    head, _, payload = signed.partition(".")
    said = _document(head)
    if said.get("alg") != key.algorithm:  # the key decides, never the token
        raise BadBundleSignature(f"it is signed by {str(said.get('alg'))[:20]!r}, expected {key.algorithm}")
    try:
        key.verify(_bytes(signature), signed.encode())
    except InvalidSignature as error:
        raise BadBundleSignature("its signature does not fit the key") from error
    claims = _document(payload)
    if claims.get("scope"):
        raise BadBundleSignature("its signature is for a scope, expected none")
    return said, _listed(claims.get("files"))


def _listed(files: Any) -> dict[str, str]:
    listed: dict[str, str] = {}
    for file in files if isinstance(files, list) else []:
        if not isinstance(file, dict) or file.get("algorithm") != _ALGORITHM:
            raise BadBundleSignature(f"expected digests by {_ALGORITHM}")
        name = str(file.get("name")).removeprefix("/")
        if name in listed:
            raise BadBundleSignature(f"{name[:100]} is signed twice")
        listed[name] = str(file.get("hash")).lower()
    return listed


def _parsed(content: bytes) -> Any:
    numbers = {"parse_int": _Number, "parse_float": _Number, "parse_constant": _Number}
    return strict_json(content.decode("utf-8"), **numbers)


class _Number(str):
    """A number as it is written: 1.0 and 1 are two texts, so they have two digests."""

    __slots__ = ()


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for at, key in enumerate(sorted(value)):
            yield f"{',' if at else ''}{_text(key)}:"
            yield from _tokens(value[key])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for at, item in enumerate(value):
            yield "," if at else ""
            yield from _tokens(item)
        yield "]"
    elif isinstance(value, str) and not isinstance(value, _Number):
        yield _text(value)
    else:
        yield value if isinstance(value, _Number) else json.dumps(value)


def _text(value: str) -> str:
    """Write a string as Go does: the two line separators of Unicode escaped, all else as in Python."""
    written = json.dumps(value, ensure_ascii=False)
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _document(encoded: str) -> dict[str, Any]:
    try:
        document = json.loads(_bytes(encoded))
    except (ValueError, RecursionError) as error:
        raise BadBundleSignature("its signature is no JWT") from error
    if not isinstance(document, dict):
        raise BadBundleSignature("its signature is no JWT")
    return document


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadBundleSignature("its signature is no JWT") from error
