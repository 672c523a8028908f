"""Landlock through ctypes: takes from this process every file right but reading what it is given.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # and truncate, device ioctl
_READ = _READ_FILE | _READ_DIR
# each version of the interface added rights: refer, truncate, (network), device ioctl
_FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_RIGHTS = 0b11  # bind and connect TCP, from version 4


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def confine(readable: Iterable[Path], writable: Iterable[Path] = ()) -> bool:
    """Confine this thread and all it starts. False where the kernel has no Landlock. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(
        _CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION)
    )
    if version < 1:
        return False
    handled = _FS_RIGHTS[max(known for known in _FS_RIGHTS if known <= version)]
    attributes = _Ruleset(handled, _NET_RIGHTS if version >= 4 else 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes) if version >= 4 else 8)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, ctypes.c_uint32(0)))
    try:
        for path in readable:
            _allow(libc, ruleset, path, handled & _READ)
        for path in writable:
            _allow(libc, ruleset, path, handled & ~_EXECUTE)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))))
        _checked(libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return True


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    descriptor = os.open(path, os.O_PATH)
    try:
        if not path.is_dir():
            access &= _FILE_RIGHTS
        rule = ctypes.byref(_PathBeneath(access, descriptor))
        _checked(
            libc.syscall(
                _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0)
            )
        )
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {os.strerror(number)}")
    return result
