"""Failed sign-ins are counted by address and forgotten after a minute."""

from __future__ import annotations

from gateway.http.console.attempts import FAILURES, Attempts


def test_attempts_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    for _ in range(FAILURES):
        attempts.failed("2001:db8::1")
    assert attempts.wait_seconds("2001:db8::ffff") == 60  # the same machine's network
    assert attempts.wait_seconds("2001:db8:1::1") == 0
    clock[0] = 61.0
    assert attempts.wait_seconds("2001:db8::1") == 0
