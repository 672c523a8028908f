"""`regate up` starts a gateway and says how to use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import prefork
from tests.support.configuration import any_engine, configuration
from tests.support.gateway import DidNotStart, GatewayProcess
from tests.support.prefork import ROOT

Prepare = Callable[..., GatewayProcess]


@pytest.fixture
def prepare(tmp_path: Path) -> Iterator[Prepare]:
    """Makes a gateway that is not started yet; keywords change its configuration."""
    made: list[GatewayProcess] = []

    def gateway(**changes: Any) -> GatewayProcess:
        config = configuration("http://127.0.0.1:9", engine=any_engine(), **changes)
        made.append(GatewayProcess(tmp_path / f"gateway{len(made)}", config))
        return made[-1]

    yield gateway
    for each in made:
        each.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_it_says_where_it_listens_and_ends_with_0_when_it_is_asked_to(prepare: Prepare, workers: int) -> None:
    gateway = prepare(workers=workers).start()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", gateway.url)
    assert gateway.said().splitlines() == [
        f"regate: listening on {gateway.url}",
        f"regate: console     {gateway.url}/console",
    ]
    assert gateway.stop() == 0


def test_a_wrong_configuration_is_refused_before_it_listens(prepare: Prepare) -> None:
    with pytest.raises(DidNotStart) as ended:
        prepare(workers=-1).start()
    assert ended.value.code == 2
    assert "workers" in ended.value.log


def test_an_unknown_log_level_is_refused_with_those_that_there_are() -> None:
    told = prefork.run(["up", "--log-level", "loud"], folder=ROOT, environment={"COLUMNS": "200"}, seconds=60)
    assert told.returncode == 2
    assert "'debug', 'info', 'warning', 'error'" in told.stderr
