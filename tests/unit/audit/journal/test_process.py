"""Which process a writer is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from gateway.audit.journal.process import Process, this_process


def test_a_running_process_is_near_and_not_gone() -> None:
    """This one runs."""
    here = this_process()
    assert here.is_near()
    assert not here.is_gone()


def test_a_process_that_ended_is_gone() -> None:
    """Its number is free, or was given to another."""
    code = (
        "from dataclasses import astuple\n"
        "from gateway.audit.journal.process import this_process\n"
        "print(*astuple(this_process()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    host, boot, namespace, pid, started = said.stdout.split()
    ended = Process(host, boot, int(namespace), int(pid), int(started))
    assert ended.is_near()
    assert ended.is_gone()


def test_a_number_that_was_given_out_again_is_another_process() -> None:
    """The start time tells."""
    here = this_process()
    assert replace(here, started=here.started + 1).is_gone()


def test_of_a_process_on_another_host_nothing_is_known() -> None:
    """It is neither near nor gone."""
    other = replace(this_process(), host="another", boot="another")
    assert not other.is_near()
    assert not other.is_gone()
