"""`regate audit verify|prove|seal|rotate-key`: the chain, its proofs and its key."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

from cli.moments import moment
from cli.opened import made_journal, note_act, opened_state
from cli.rows import binary_output
from cli.screen import line, progress_bar
from gateway.audit import Sealer
from gateway.audit.files import Folder, load_verifier, open_signer, rotate, stamp
from gateway.audit.sealing import load_authorities
from gateway.audit.verifying import (
    Verification,
    check_proofs,
    find_records,
    prove_record,
    read_statement,
    size,
    state_removals,
)
from gateway.audit.verifying import verify as verify_folder
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError, StateUnavailable
from gateway.state import WriterStore


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as one JSON object.")] = False,
    public_key: Annotated[
        Path | None, typer.Option(help="The public evidence key; by default the one beside the state.")
    ] = None,
    anchor: Annotated[
        Path | None, typer.Option(help="Anchored roots; by default the file that audit.anchor names.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's public key; by default those of audit.witnesses.")
    ] = None,
    timestamp_ca: Annotated[
        Path | None,
        typer.Option(help="Certificates of the timestamp authority; by default those of audit.timestamps."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(help="Check this file of proofs or statement instead; needs the public key only."),
    ] = None,
    since: Annotated[
        str,
        typer.Option(help="Tell what was removed since then, and exit with 3 when anything was: 7d, a date."),
    ] = "",
    statement: Annotated[
        Path | None, typer.Option(help="With --since: write that as a signed statement for --proof.")
    ] = None,
) -> None:
    """Prove the chain: 0 intact, 1 broken, with the first broken record of each chain.

    Tells what retention and erasure removed. Where the state is at hand, each writer it knows must be there.
    With --since, 3 means intact, and that something was removed since then.

    Example: regate audit verify
    """
    if proof:
        _verify_proof(proof, public_key or _public(load_config(config_path())), as_json)
        return
    if statement and not since:
        raise typer.BadParameter("expected it with --since", param_hint="--statement")
    config = load_config(config_path())
    from_then = stamp(begun.astimezone(UTC)) if (begun := moment(since, "--since")) else ""
    stamping = config.audit.timestamps
    ca = timestamp_ca or (Path(stamping.ca) if stamping else None)
    columns = (TextColumn("proving"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task("", total=size(config.audit_path))
        known, unknown = _known_writers(config)
        report = verify_folder(
            config.audit_path,
            public_key or _public(config),
            anchor=anchor or _anchor_file(config),
            known=known,
            since=from_then,
            witnesses=witness or [each.key for each in config.audit.witnesses],
            authorities=load_authorities(ca) if ca else (),
            progress=lambda proved: progress.advance(task, proved),
        )
    report.notes += unknown
    typer.echo(orjson.dumps(report.document()).decode() if as_json else _told(report))
    if statement and report.intact:
        signer = open_signer(config.evidence_key_path, Folder(config.audit_path))
        statement.write_bytes(state_removals(config.audit_path, signer, report, from_then))
    removed = 3 if since and report.removed else 0
    raise typer.Exit(removed if report.intact else 1)


def prove(
    record: Annotated[
        str, typer.Argument(metavar="[RECORD_ID]", help="A decision, an exchange, or WRITER:SEQ.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="By default RECORD_ID.proof.")] = None,
    body: Annotated[bool, typer.Option(help="With what was said, or only the columns.")] = True,
    receipt: Annotated[str, typer.Option(help="Redeem what X-Regate-Receipt said of an answer.")] = "",
    answer: Annotated[
        Path | None, typer.Option(help="With --receipt: check that this is the answer it came with.")
    ] = None,
) -> None:
    """Write a proof that a record is in the signed evidence, for `regate audit verify --proof`.

    For a receipt it holds a signed statement of what was claimed, and the proofs of the exchange's records.

    Example: regate audit prove de_kpghmq --out decision.proof
    """
    if bool(record) == bool(receipt):
        raise typer.BadParameter("name a record or a receipt, not both", param_hint="RECORD_ID")
    config = load_config(config_path())
    root = config.audit_path
    statement = b""
    if receipt:
        from cli.audit.receipt import redeemed  # it loads what exchanges are made of

        record, statement = redeemed(config, receipt, answer)
    found = find_records(root, record)
    out = out or Path(f"{record.replace(':', '-')}.proof")
    trusted = load_verifier(_public(config))
    with binary_output(out) as file:  # it may hold what was said
        proofs = [prove_record(root, writer, seq, trusted=trusted, body=body) for writer, seq in found]
        file.write(statement + b"".join(proofs))
    typer.echo(f"{len(found)} records proved in {out}")


def seal(
    as_json: Annotated[bool, typer.Option("--json", help="What was sealed as one JSON object.")] = False,
    all_hosts: Annotated[
        bool, typer.Option(help="Also segments of other hosts: only when no gateway runs on any of them.")
    ] = False,
) -> None:
    """Seal what no gateway is writing any more, of closed and of dead processes, and sign a root.

    Example: regate audit seal
    """
    config = load_config(config_path())
    # a journal of our own: its start cuts off what a dead writer left torn, and records the cut
    journal = made_journal(config)
    journal.start(register=False)
    journal.close()
    sealer = Sealer.of(config)
    sealer.start()
    done = sealer.seal(everything=True, sign=True, all_hosts=all_hosts)
    if as_json:
        typer.echo(json.dumps({"sealed": done.segments, "refused": done.refused, "busy": done.busy}))
    elif done.busy:
        typer.echo("another process is sealing")
    else:
        typer.echo(f"{len(done.segments)} segments sealed")
    for segment, reason in (done.refused or {}).items():
        typer.echo(f"{segment} cannot be sealed: {reason}", err=True)
    raise typer.Exit(1 if done.refused else 0)


def rotate_key() -> None:
    """Replace the evidence key, with which running gateways sign at once; either proves all the evidence.

    Example: regate audit rotate-key
    """
    config = load_config(config_path())
    folder = Folder(config.audit_path)
    folder.prepare()
    try:
        old, new = rotate(config.evidence_key_path, folder)
    except OSError as error:
        raise ConfigError(f"{config.evidence_key_path}: it cannot be rotated: {error}") from error
    note_act(config, "key_rotated", by=None, **{"from": old, "to": new})
    typer.echo(f"{old} was replaced by {new}; hand out {_public(config)}")


def _verify_proof(proof: Path, public_key: Path, as_json: bool) -> None:
    try:
        data = proof.read_bytes()
    except OSError as error:
        raise ConfigError(f"{proof}: it cannot be read: {error}") from error
    trusted = load_verifier(public_key)
    blocks = [block for block in data.split(b"\n\n") if block.strip()]
    stated = [said for block in blocks if (said := read_statement(block, trusted))]
    proofs = b"\n\n".join(block for block in blocks if not read_statement(block, trusted))
    proved = check_proofs(proofs, trusted) if proofs or not stated else []
    if as_json:
        typer.echo(json.dumps([*stated, *map(asdict, proved)], ensure_ascii=False))
        return
    for said in stated:
        typer.echo(line(_stated(said)))
    for each in proved:
        record = (
            f"{each.writer}:{each.seq} of {each.recorded_at}{'' if each.body else ', its body withheld'},"
        )
        typer.echo(f"{record} is in the evidence signed at {each.signed_at}")


def _stated(said: dict[str, Any]) -> str:
    """Say in words what a statement holds."""
    if said["kind"] == "receipt":
        sent = said["sent"] or "nothing"
        answered = said["answered"] or said.get("streamed") or "what is not known"
        decided = f"decision {said['decision']}, policy {said['revision']}, status {said['status']}"
        told = f"the receipt of {said['exchange']} was given at {said['at']}"
        return f"{told}: {decided}, sent {sent}, answered {answered}"
    proved = f"{said['records_proved']} records of {said['chains']} chains were intact at {said['signed_at']}"
    if said["kind"] == "removals_statement":
        return f"since {said['since']} was removed: {'; '.join(said['removed']) or 'nothing'}; {proved}"
    what = f"{said['records']} records of {said['exchanges']} exchanges"
    return f"erased of {said['person']} by order {said['order']} of {said['ordered_at']}: {what}; {proved}"


def _known_writers(config: Config) -> tuple[set[str], list[str]]:
    """Return the writers that the state has seen born, and a note where it cannot be asked."""
    try:
        if config.state_path.exists():
            with opened_state(config) as state:
                return WriterStore(state).known(), []
        reason = f"there is no {config.state_path}"
    except (ConfigError, StateUnavailable) as error:
        reason = str(error)
    return set(), [f"not checked: whether the evidence of a whole writer is missing ({reason})"]


def _public(config: Config) -> Path:
    return config.evidence_key_path.with_suffix(".pub")


def _anchor_file(config: Config) -> Path | None:
    place = config.audit.anchor
    return Path(place.removeprefix("file:")) if place.startswith("file:") else None


def _told(report: Verification) -> str:
    verdict = "intact" if report.intact else "BROKEN"
    count = f"{report.records} records in {report.segments} segments of {report.chains} chains"
    unsigned = f", {report.unsigned} more behind no signed head yet" if report.unsigned else ""
    anchored = f", {report.anchored} roots as anchored" if report.anchored else ""
    anchored += f", cosigned by {report.witnessed} witnesses" if report.witnessed else ""
    anchored += f", stamped {len(report.timestamps)} times" if report.timestamps else ""
    told = [*map(str, report.breaks), *report.notes, *report.removed]
    return "\n".join([*told, f"{verdict}: {count}{unsigned}{anchored}"])
