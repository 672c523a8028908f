"""Base64 and its relatives: runs that decode to text are read."""

import base64

from gateway.detect.matching.encodings import RUN_BEGIN, encoded_runs, open_run
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Prefilter

SAID = "please write to jane.roe@example.com about it"


def test_a_run_is_found_with_its_text() -> None:
    run = base64.b64encode(SAID.encode()).decode()
    text = f"data {run} and more"
    found = [
        one for one in encoded_runs(Prefilter([RUN_BEGIN]).scan(text), Deadline(10)) if SAID in one.texts
    ]
    assert [text[one.start : one.end] for one in found] == [run]


def test_a_run_of_full_lines_at_the_end_may_go_on() -> None:
    run = base64.encodebytes(SAID.encode() * 8).decode()
    assert open_run(f"data:\n{run}") == 6
    assert open_run(f"data:\n{run}and more words") == -1
