"""Orders to erase, and legal holds, as lines of `seals.ndjson`: given here, carried out by the remover."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.log_lines import Seal, SealLine
from gateway.audit.files.signing import Signer

# What policy saw, said and answered. Of an approval only what was shown to people goes: verdicts stay.
ERASED_KINDS = ("decision", "completion", "refusal")
_TARGETS = 1_000  # of an order or a hold, on one line


class Target(msgspec.Struct, frozen=True, array_like=True):
    """What is to go of one record: names, by their columns, and places in its body, by their JSON pointers.

    The pointer "" stands for the whole body, one to a part for the part's text.
    """

    writer: str
    seq: int
    names: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


Place = tuple[str, int]  # a record, by its writer and its number


class Order(msgspec.Struct, frozen=True):
    """Erase what its targets name; without targets the bodies of one session's or one agent's records.

    Those up to `before`; the name that is not meant is empty. `id` stands in what was erased.
    """

    session: str = ""
    agent: str = ""
    before: str = ""
    id: str = ""
    key_id: str = ""  # of the person who ordered it; empty at the command line without a key
    targets: tuple[Target, ...] = ()

    def covers(self, seal: Seal) -> bool:
        """Return whether the file may contain such records."""
        if not self.targets:
            return any(each["first_at"] <= self.before for each in seal["segments"])
        spans = [(each["writer"], each["first_seq"], each["last_seq"]) for each in seal["segments"]]
        return any(
            target.writer == writer and first <= target.seq <= last
            for target in self.targets
            for writer, first, last in spans
        )


class LegalHold(msgspec.Struct, frozen=True):
    """A legal hold on a session, on an agent, on records by name, or with none of them on everything."""

    id: str
    session: str = ""
    agent: str = ""
    targets: tuple[Place, ...] = ()


def new_order_id(prefix: str = "or") -> str:
    """Return what names an order in the evidence; one of retention's own has the prefix `rt`."""
    return f"{prefix}_{secrets.token_hex(8)}"


def order_erasure(folder: Folder, signer: Signer, order: Order, now: datetime) -> Order:
    """Sign an order, and have gateways close the segments that they write. Raises OSError.

    Many targets take several lines, so that each stays short.
    """
    order = msgspec.structs.replace(order, before=stamp(now))
    for first in range(0, max(1, len(order.targets)), _TARGETS):
        some = msgspec.structs.replace(order, targets=order.targets[first : first + _TARGETS])
        line = {"kind": "order", **msgspec.to_builtins(some)}
        signed_log.append(folder.seals, line, signer, folder.disk)
    folder.disk.write_new(folder.rotate, order.before.encode())
    return order


def sign_hold(folder: Folder, signer: Signer, hold: LegalHold, *, release: bool = False) -> None:
    """Put a hold in force, or end it. Raises OSError."""
    kind, at = "release" if release else "hold", stamp(datetime.now(UTC))
    for first in range(0, 1 if release else max(1, len(hold.targets)), _TARGETS):
        some = () if release else hold.targets[first : first + _TARGETS]
        said = msgspec.to_builtins(msgspec.structs.replace(hold, targets=some))
        signed_log.append(folder.seals, {"kind": kind, **said, "at": at}, signer, folder.disk)


def read_seal_lines(folder: Folder) -> list[SealLine]:
    """Return the documents of `seals.ndjson` without proving them: for what is told, not for what is done."""
    return [msgspec.json.decode(line) for line in signed_log.lines(folder.seals)]


def holds_in_force(lines: Iterable[SealLine]) -> tuple[LegalHold, ...]:
    """Return the holds that were not released, by the lines of `seals.ndjson`."""
    found: dict[str, LegalHold] = {}
    for line in lines:
        if line["kind"] == "hold":
            before = found[line["id"]].targets if line["id"] in found else ()
            targets = tuple((writer, seq) for writer, seq in line.get("targets", ()))
            found[line["id"]] = LegalHold(line["id"], line["session"], line["agent"], before + targets)
        elif line["kind"] == "release":
            found.pop(line["id"], None)
    return tuple(found.values())
