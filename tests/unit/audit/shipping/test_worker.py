"""The process that ships, killed in the middle of its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

import gateway
from gateway.audit.shipping import worker
from gateway.audit.shipping.worker import ShippingRequest
from gateway.config import AuditReceiver
from tests.support.waiting import until
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.audit.shipping.conftest import Inbox, Shipping, Taking

_PROGRAM = [sys.executable, "-P", str(worker.__file__)]


@contextmanager
def running(shipping: Shipping, secrets: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    root = shipping.evidence.root
    request = ShippingRequest(str(root), str(root.parent), (shipping.receiver,), secrets)
    package = str(Path(gateway.__file__).parents[1])
    env = {"PATH": os.defpath, "PYTHONPATH": package}
    with subprocess.Popen(_PROGRAM, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        assert process.stdin
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


def test_a_shipper_that_is_killed_at_any_moment_ships_each_record_at_least_once(
    evidence: Evidence, inbox: Inbox
) -> None:
    """Before it has an answer, and right behind one; while records are written, sealed and buried."""
    journal = evidence.journal(segment_bytes=100_000)
    sealer = evidence.sealer(bury=0)
    receiver = AuditReceiver("siem", inbox.url(), "records", credential="env:SIEM_TOKEN")
    shipping = Shipping(evidence, receiver)
    count = 0

    def write_and_kill(process: subprocess.Popen[bytes], *, after: bool) -> None:
        nonlocal count

        def kills(handler: Taking) -> None:
            if after:
                inbox.got.append(handler.got)
                handler.send_response(200)
                handler.send_header("content-length", "0")
                handler.end_headers()
            process.kill()

        for _ in range(700):
            journal.enqueue(decision(count, body={"number": count, "said": "x" * 200}))
            count += 1
        journal.record_sync(decision(count))
        count += 1
        inbox.troubles.append(kills)
        process.wait(60)
        sealer.seal()

    for after in (False, True, False):
        with running(shipping, {"env:SIEM_TOKEN": "s3cret"}) as process:
            write_and_kill(process, after=after)
    sent_unanswered = inbox.asked
    with running(shipping, {"env:SIEM_TOKEN": "s3cret"}) as process:
        until(lambda: shipping.standing.behind == 0)
        journal.record_sync(decision(count))
        process.send_signal(signal.SIGTERM)  # it looks once more
        assert process.wait(60) == 0
        assert process.stderr
        assert process.stderr.read() == b""

    assert evidence.verify().intact  # the cursor beside it is no part of the evidence
    assert sent_unanswered >= 3
    names = inbox.records()
    assert set(names) == {f"{journal.writer}:{number}" for number in range(1, count + 2)}
    assert sorted(dict.fromkeys(names), key=lambda name: int(name.split(":")[1])) == list(
        dict.fromkeys(names)
    )
    assert {got.headers["authorization"] for got in inbox.got} == {"Bearer s3cret"}
