"""`regate audit subject`: what the evidence holds of a person: shown, exported, or erased."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.audit.erase import carry_out, order_and_record, tell_left
from cli.opened import acting, note_act, opened_state
from cli.rows import text_output
from cli.screen import line
from gateway.audit.files import Folder, open_signer
from gateway.audit.sealing import Order
from gateway.audit.verifying import certify_erasure
from gateway.config import Config, config_path, load_config, load_server_key
from gateway.errors import RegateError
from gateway.oversight import DataSubject, Mention
from gateway.state import ApprovalStore


def subject(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="As keys and headers name the person.")],
    value: Annotated[
        list[str] | None, typer.Option(help="A value of theirs, as an e-mail address; again for another.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write all that is theirs to this file, as JSON; - is standard output."),
    ] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Erase what is theirs, and no one else's.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="With --erase: write a signed certificate of the erasure.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the evidence: without a name.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: there is no way back.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Find a person in the evidence: as end user, owner, approver, and as a value in texts; export what is
    theirs, or erase it.

    Example: regate audit subject jane --value jane.roe@acme.org --erase --certificate jane.certificate
    """
    if certificate and not erase:
        raise typer.BadParameter("expected it with --erase", param_hint="--certificate")
    config = load_config(config_path())
    sought = DataSubject(load_server_key(config.key_path), person, value or ())
    note_act(config, "subject_sought", by=acting(config), subject=sought.pseudonym, exported=bool(export))
    found = list(sought.mentions(config.audit_path))
    told = _counts(found)
    if export:
        with text_output(None if str(export) == "-" else export) as file:
            json.dump(_exported(person, value or (), found), file, ensure_ascii=False, indent=1)
            file.write("\n")
    if erase:
        told |= _erase(config, sought, person, found, told, reason, certificate, yes=yes)
    if as_json:
        typer.echo(json.dumps(told))
    elif not (export and str(export) == "-"):
        typer.echo(line(_told(person, told)))


def _counts(found: Sequence[Mention]) -> dict[str, Any]:
    """Return how many records, exchanges and sessions there are, and records by role."""
    roles = Counter(role for mention in found for role in mention.roles)
    columns = [mention.columns for mention in found]
    return {
        "records": len(found),
        "exchanges": len({each["exchange_id"] for each in columns if "exchange_id" in each}),
        "sessions": len({each["session_id"] for each in columns if "session_id" in each}),
        "roles": dict(sorted(roles.items())),
    }


def _exported(person: str, values: Sequence[str], found: Sequence[Mention]) -> dict[str, Any]:
    return {
        "person": person,
        "values": list(values),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **_counts(found),
        "found": [{**mention.columns, "roles": mention.roles, "said": mention.said} for mention in found],
    }


def _erase(
    config: Config,
    sought: DataSubject,
    person: str,
    found: Sequence[Mention],
    told: dict[str, Any],
    reason: str,
    certificate: Path | None,
    *,
    yes: bool,
) -> dict[str, Any]:
    """Order what was found to go, and have it done; return what became of it."""
    root = config.audit_path
    if not found:
        raise RegateError(f"nothing of {person} is in the evidence, or all of it was erased before")
    if not yes:
        asked = f"Erase what is {person}'s in {told['exchanges']} exchanges? There is no way back"
        typer.confirm(asked, abort=True, err=True)
    targets = tuple(mention.target for mention in found)
    order = order_and_record(config, Order(targets=targets), reason)
    ids = [mention.columns["approval_id"] for mention in found if "approval_id" in mention.columns]
    with opened_state(config) as state, ApprovalStore(state).write() as rows:
        rows.forget(ids=sorted(set(ids)))
    places = {(target.writer, target.seq) for target in targets}
    left = carry_out(config, lambda: sum(_place(one) in places for one in sought.mentions(root)))
    tell_left(config, left)
    if certificate and left:
        raise RegateError(f"no certificate: {left} records are left")
    if certificate:
        signer = open_signer(config.evidence_key_path, Folder(root))
        trusted = config.evidence_key_path.with_suffix(".pub")
        counted = {name: told[name] for name in ("records", "exchanges")}
        certificate.write_bytes(certify_erasure(root, signer, trusted, person, order, counted))
    return {"order": order.id, "erased": len(targets) - left, "left": left}


def _place(mention: Mention) -> tuple[str, int]:
    return mention.target.writer, mention.target.seq


def _told(person: str, told: dict[str, Any]) -> str:
    roles = ", ".join(f"{count} as {role.replace('_', ' ')}" for role, count in told["roles"].items())
    found = f"{told['records']} records of {told['exchanges']} exchanges in {told['sessions']} sessions"
    gone = f"; erased {told['erased']} by order {told['order']}" if "order" in told else ""
    return f"{person}: {found}{f' ({roles})' if roles else ''}{gone}"
