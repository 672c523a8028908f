"""Approvals as rows: every move between statuses is a compare-and-set, and time closes what is left open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.contract import met_by
from gateway.state.database import State
from gateway.state.keys import KeyRow, find_key
from gateway.state.schema import approvals, keys, shown, votes
from gateway.words import ApprovalFacts, Consent, Met, Phase, Requirement

Status = Literal["pending", "approved", "denied", "expired", "cancelled", "used"]
Verdict = Literal["approve", "deny"]
_OPEN: tuple[Status, ...] = ("pending", "approved")
_VISIBLE = [column for column in approvals.c if column.name not in ("binding", "completion")]


@dataclass(frozen=True, slots=True)
class Approval:
    """A held exchange awaiting people. `consents` are those who said yes so far; `summary` is the beginning
    of the masked text for them.

    `quorum` people of `groups` must agree, and for each requirement in `all_of` people of its own. `revision`
    is that of the policy which asked. Times are seconds since 1970. `completion_digest` is "" unless a
    completion is held.
    """

    id: str
    status: Status
    agent: str
    owner: str
    on_behalf_of: str
    key_id: str
    method: str
    path: str
    query: str
    provider: str
    revision: str
    phase: Phase
    digest: str
    exchange_id: str
    session_id: str
    reasons: tuple[Mapping[str, object], ...]
    summary: str
    groups: tuple[str, ...]
    quorum: int
    created_at: float
    expires_at: float
    decided_at: float | None = None
    used_at: float | None = None
    given_back: int = 0
    completion_digest: str = ""
    all_of: tuple[Requirement, ...] = ()
    delegation: str = "asserted"  # how the end user is known
    consents: tuple[Consent, ...] = ()
    note: str = ""

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who said yes so far."""
        return tuple(consent.approver for consent in self.consents)

    @property
    def approver_groups(self) -> tuple[str, ...]:
        """The groups of those who said yes."""
        return tuple(sorted({group for consent in self.consents for group in consent.groups}))

    @property
    def progress(self) -> tuple[Met, ...]:
        """Who counts for each requirement so far."""
        people = met_by(self.all_of, self.consents)
        return tuple(
            Met(each.groups, each.count, tuple(consent.approver for consent in met))
            for each, met in zip(self.all_of, people, strict=True)
        )

    def facts(self) -> ApprovalFacts:
        """Return what policy sees of it."""
        return ApprovalFacts(
            id=self.id,
            status=self.status,
            approvers=self.approvers,
            groups=self.approver_groups,
            quorum=self.quorum,
            note=self.note,
            revision=self.revision,
            consents=self.consents,
            all_of=self.progress,
        )


class ApprovalStore:
    """Opens transactions over the approvals; async callers run them through `state.reading` and `writing`."""

    def __init__(self, state: State, now: Callable[[], float] = time.time) -> None:
        self.state = state
        self._now = now

    @contextmanager
    def read(self) -> Iterator[ApprovalRows]:
        with self.state.read() as connection:
            yield ApprovalRows(connection, self._now())

    @contextmanager
    def write(self) -> Iterator[ApprovalRows]:
        """Keep other writers out until the block ends; an exception in it undoes all of it."""
        with self.state.write() as connection:
            yield ApprovalRows(connection, self._now())


class ApprovalRows:
    """The approvals inside one transaction, as of `now`: one past its time is expired, whatever its row
    says."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection = connection
        self.now = now

    def read(self, approval_id: str) -> Approval | None:
        found = self._select(approvals.c.id == approval_id)
        return found[0] if found else None

    def find(self, binding: str, status: Literal["pending", "approved"]) -> Approval | None:
        """Find the oldest approval of this binding that has this status and time left."""
        found = self._select(and_(approvals.c.binding == binding, self._is(status)))
        return found[0] if found else None

    def matching(
        self, *, status: Status | None = None, agent: str | None = None, limit: int = 1000
    ) -> tuple[Approval, ...]:
        """List the newest `limit` approvals, oldest first."""
        wanted = and_(
            approvals.c.id.is_not(None),
            *([] if status is None else [self._is(status)]),
            *([] if agent is None else [approvals.c.agent == agent]),
        )
        return self._select(wanted, newest=limit)[::-1]

    def forget(self, *, session: str = "", agent: str = "", ids: Sequence[str] = ()) -> tuple[int, int]:
        """Empty what people were shown, and drop held completions, of one session, one agent, or these.

        Returns how many approvals that was, and how many are still open and keep theirs.
        """
        column, meant = approvals.c.id, list(ids)
        if session or agent:
            column, meant = (approvals.c.session_id, [session]) if session else (approvals.c.agent, [agent])
        named = column.in_(meant)
        ended = approvals.c.status.not_in(_OPEN) | self._overdue()
        emptied = update(approvals).where(named, ended).values(summary="", completion=None)
        still = select(func.count()).select_from(approvals).where(named, ~ended)
        gone = select(approvals.c.id).where(named, ended)  # also by time alone
        self._connection.execute(delete(shown).where(shown.c.approval_id.in_(gone)))
        return (
            self._connection.execute(emptied).rowcount,
            self._connection.execute(still).scalar_one(),
        )

    def statuses(self, ids: Sequence[str]) -> Mapping[str, Status]:
        query = select(approvals.c.id, approvals.c.status, approvals.c.expires_at).where(
            approvals.c.id.in_(ids)
        )
        return {row["id"]: self._status(row) for row in self._connection.execute(query).mappings()}

    def pending_of(self, *, agent: str | None = None, owner: str | None = None) -> int:
        """Return how many approvals of this agent or this owner wait for people."""
        whose = approvals.c.owner == owner if agent is None else approvals.c.agent == agent
        query = select(func.count()).where(whose, self._is("pending"))
        return int(self._connection.execute(query).scalar_one())

    def show(self, approval_id: str, digest: str, document: bytes) -> None:
        """Keep what people read before they decide, until the approval ends."""
        values = {"approval_id": approval_id, "digest": digest, "document": document}
        self._connection.execute(insert(shown).values(**values))

    def shown(self, approval_id: str) -> bytes | None:
        """Return what people read; None when it is not there any more."""
        query = select(shown.c.document).where(shown.c.approval_id == approval_id)
        return self._connection.execute(query).scalar_one_or_none()

    def shown_digest(self, approval_id: str) -> str:
        """Return the digest of what people read; "" when it is not there any more."""
        query = select(shown.c.digest).where(shown.c.approval_id == approval_id)
        return self._connection.execute(query).scalar_one_or_none() or ""

    def shown_bytes(self, owner: str) -> int:
        """Return how much is kept to be shown for all the agents of this owner."""
        query = select(func.coalesce(func.sum(func.length(shown.c.document)), 0))
        query = query.join(approvals, approvals.c.id == shown.c.approval_id)
        return int(self._connection.execute(query.where(approvals.c.owner == owner)).scalar_one())

    def agents_with_completions(self) -> frozenset[str]:
        """Return the agents of which a completion is held and still open."""
        query = select(approvals.c.agent).where(
            approvals.c.phase == "response", or_(*(self._is(status) for status in _OPEN))
        )
        return frozenset(self._connection.execute(query.distinct()).scalars())

    def overdue(self, limit: int, binding: str | None = None) -> tuple[str, ...]:
        """Return the ids of open approvals (of one binding) past their time and not marked expired."""
        query = select(approvals.c.id).where(self._overdue())
        if binding is not None:
            query = query.where(approvals.c.binding == binding)
        return tuple(self._connection.execute(query.limit(limit)).scalars())

    def open_of_key(self, key_id: str) -> tuple[str, ...]:
        query = select(approvals.c.id).where(
            approvals.c.key_id == key_id, or_(*(self._is(status) for status in _OPEN))
        )
        return tuple(self._connection.execute(query).scalars())

    def open_voted_with(self, key_id: str) -> tuple[str, ...]:
        """Return the ids of open approvals with a vote of this key."""
        query = select(votes.c.approval_id).join(approvals, approvals.c.id == votes.c.approval_id)
        is_open = or_(*(self._is(status) for status in _OPEN))
        return tuple(self._connection.execute(query.where(votes.c.key_id == key_id, is_open)).scalars())

    def drop_vote(self, approval_id: str, key_id: str) -> None:
        """Forget what was voted with a key; its record stays."""
        gone = delete(votes).where(votes.c.approval_id == approval_id, votes.c.key_id == key_id)
        self._connection.execute(gone)

    def has_revoked_vote(self, approval_id: str) -> bool:
        """Return whether a key that was voted with is revoked by now."""
        query = select(votes.c.key_id).join(keys, keys.c.id == votes.c.key_id)
        query = query.where(votes.c.approval_id == approval_id, keys.c.revoked_at.is_not(None))
        return self._connection.execute(query).first() is not None

    def insert(self, approval: Approval, binding: str, completion: bytes | None) -> None:
        values = {column.name: getattr(approval, column.name) for column in _VISIBLE}
        values |= {
            "reasons": [dict(reason) for reason in approval.reasons],
            "groups": list(approval.groups),
            "all_of": msgspec.to_builtins(approval.all_of),
        }
        self._connection.execute(insert(approvals).values(**values, binding=binding, completion=completion))

    def move(self, approval_id: str, source: Status, target: Status, **changes: object) -> bool:
        """Compare and set: False when the approval is not in `source` any more or its time has passed."""
        if target not in _OPEN:
            changes["completion"] = None  # a completion that can no longer be handed over is not kept
        change = update(approvals).where(approvals.c.id == approval_id, self._is(source))
        moved = self._connection.execute(change.values(status=target, **changes)).rowcount == 1
        if moved and target not in _OPEN:
            self._forget_shown(approval_id)
        return moved

    def expire(self, approval_id: str) -> bool:
        """Mark it expired; return False when it is marked already, or is not overdue."""
        change = update(approvals).where(approvals.c.id == approval_id, self._overdue())
        expired = self._connection.execute(change.values(status="expired", completion=None)).rowcount == 1
        if expired:
            self._forget_shown(approval_id)
        return expired

    def vote(self, approval_id: str, person: str, key: KeyRow, verdict: Verdict, note: str) -> None:
        """Count one vote a person: a second one replaces the first."""
        voter = {"name": key.owner, "key_id": key.id, "groups": list(key.groups)}
        said = voter | {"verdict": verdict, "note": note, "at": self.now}
        statement = upsert(votes).values(approval_id=approval_id, person=person, **said)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["approval_id", "person"], set_=said)
        )

    def key(self, key_id: str) -> KeyRow | None:
        return find_key(self._connection, key_id)

    def completion(self, approval_id: str) -> bytes | None:
        """Return the held completion, encrypted as it was put in."""
        query = select(approvals.c.completion).where(approvals.c.id == approval_id)
        return self._connection.execute(query).scalar_one_or_none()

    def _forget_shown(self, approval_id: str) -> None:
        self._connection.execute(delete(shown).where(shown.c.approval_id == approval_id))

    def _is(self, status: Status) -> ColumnElement[bool]:
        if status in _OPEN:
            return and_(approvals.c.status == status, approvals.c.expires_at > self.now)
        if status == "expired":
            return or_(approvals.c.status == "expired", self._overdue())
        return approvals.c.status == status

    def _overdue(self) -> ColumnElement[bool]:
        return and_(approvals.c.status.in_(_OPEN), approvals.c.expires_at <= self.now)

    def _status(self, row: RowMapping) -> Status:
        status: Status = row["status"]
        return "expired" if status in _OPEN and row["expires_at"] <= self.now else status

    def _select(self, where: ColumnElement[bool], *, newest: int = 0) -> tuple[Approval, ...]:
        """Select the oldest approval, or the `newest` ones, newest first."""
        order = (approvals.c.created_at, approvals.c.id)
        query = select(*_VISIBLE).where(where)
        query = query.order_by(*(column.desc() for column in order)) if newest else query.order_by(*order)
        rows = self._connection.execute(query.limit(newest or 1)).mappings().all()
        spoken = self._votes(select(votes).where(votes.c.approval_id.in_([row["id"] for row in rows])))
        return tuple(self._approval(row, spoken.get(row["id"], [])) for row in rows)

    def _votes(self, query: Select[Any]) -> dict[str, list[RowMapping]]:
        spoken: dict[str, list[RowMapping]] = {}
        for vote in self._connection.execute(query.order_by(votes.c.at)).mappings():
            spoken.setdefault(vote["approval_id"], []).append(vote)
        return spoken

    def _approval(self, row: RowMapping, spoken: Sequence[RowMapping]) -> Approval:
        fields = dict(row)
        yes = [vote for vote in spoken if vote["verdict"] == "approve"]
        fields |= {
            "status": self._status(row),
            "reasons": tuple(fields["reasons"]),
            "groups": tuple(fields["groups"]),
            "all_of": msgspec.convert(fields["all_of"], tuple[Requirement, ...]),
            "consents": tuple(Consent(vote["name"], tuple(vote["groups"])) for vote in yes),
            "note": spoken[-1]["note"] if spoken else "",
        }
        return Approval(**fields)
