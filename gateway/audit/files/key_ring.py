"""Which evidence key signs which lines of the two logs, found by following the rotations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.audit.files.rotation import read_rotation
from gateway.audit.files.signing import BadLine, Verifier

Tell = Callable[[str, int], None]  # a reason, and the line it is about


@dataclass(frozen=True, slots=True)
class KeysInForce:
    """Which key signs which lines of the two logs: each from its first line on, counted from 0."""

    checkpoints: tuple[tuple[int, Verifier], ...]
    seals: tuple[tuple[int, Verifier], ...]


def follow_keys(lines: Sequence[bytes], trusted: Verifier, tell: Tell) -> KeysInForce:
    """Return the keys that the log's rotations lead through.

    Unless the trusted key is among them, the trusted key alone counts, for every line. Each rotation is
    signed by both of its keys, so that it can be followed in either direction.
    """
    checkpoints: list[tuple[int, Verifier]] = []
    seals: list[tuple[int, Verifier]] = []
    for number, line in enumerate(lines, start=1):
        if not line.startswith(b'{"kind":"rotation"'):
            continue
        try:
            old, new, sealed = read_rotation(line)
            if checkpoints and checkpoints[-1][1].raw != old.raw:
                raise BadLine(f"it retires the key {old.key_id}, which was not in force")
        except BadLine as error:
            tell(f"it is no rotation: {error}", number)
            continue
        if not checkpoints:
            checkpoints, seals = [(0, old)], [(0, old)]
        checkpoints.append((number, new))
        seals.append((sealed, new))
    if not checkpoints:
        return KeysInForce(((0, trusted),), ((0, trusted),))
    if trusted.raw not in {key.raw for _, key in checkpoints}:
        tell(f"its rotations do not lead to the key {trusted.key_id}", -1)
        return KeysInForce(((0, trusted),), ((0, trusted),))
    return KeysInForce(tuple(checkpoints), tuple(seals))
