"""A gateway without keys that serves this machine alone says how to use it; any other keeps quiet."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from cli.first.welcome import is_first
from gateway.config import load_config
from gateway.state import Keys, open_state
from tests.support.configuration import any_engine, configuration
from tests.support.gateway import GatewayProcess
from tests.support.waiting import until

DAY_SECONDS = 86_400


def test_the_page_of_a_first_start_signs_in_once_and_its_request_works(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, configuration("http://127.0.0.1:9", engine=any_engine())).start(
        "--demo"
    )
    try:
        until(lambda: "}]}'" in gateway.said())  # the end of the request
        said = gateway.said()
        state = open_state(gateway.state)
        try:
            keys = {key.agent: key for key in Keys(state).list()}
        finally:
            state.close()
        assert {(key.agent, key.owner, key.role) for key in keys.values()} == {
            ("demo", "demo", "agent"),
            ("console", "you", "admin"),
        }
        for key in keys.values():
            assert key.expires_at is not None
            assert key.expires_at - key.created_at == pytest.approx(DAY_SECONDS)
            assert key.expires_at > time.time()
        created = gateway.await_rows(
            "SELECT * FROM access WHERE act = 'key_created'", enough=lambda rows: len(rows) == 2
        )
        assert len(created) == 2, "no key is made without a record"

        assert "admin key" not in said, "what is no terminal may be a log"
        pasted = said.partition("regate: try\n")[2]
        answer = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True).stdout
        assert '"choices"' in answer, answer

        link = re.search(r"console +(\S+/console/enter\S+)", said)
        assert link
        with httpx.Client() as browser:
            entered = browser.get(link[1], follow_redirects=True)
            assert (entered.status_code, entered.url.path) == (200, "/console/approvals")
        with httpx.Client() as another:
            again = another.get(link[1], follow_redirects=True)
            assert again.status_code == 401
            assert "this link was used" in again.text
            assert another.get(f"{gateway.url}/console/approvals").status_code == 303
    finally:
        gateway.kill()


@pytest.mark.parametrize(
    ("listen", "first"),
    [
        ("127.0.0.1:8700", True),
        ("[::1]:8700", True),
        ("localhost:8700", True),
        ("0.0.0.0:8700", False),
        ("[::]:8700", False),
        ("10.0.0.8:8700", False),
        ("gateway.internal:8700", False),
    ],
)
def test_only_a_gateway_of_this_machine_alone_shows_keys(tmp_path: Path, listen: str, first: bool) -> None:
    file = tmp_path / "regate.yaml"
    file.write_text(
        f"listen: '{listen}'\nproviders: {{demo: {{family: openai, base_url: 'builtin:demo'}}}}\n"
    )
    assert is_first(load_config(file)) is first


def test_a_gateway_with_a_key_is_not_new(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, configuration("http://127.0.0.1:9", engine=any_engine()))
    gateway.configure()
    config = load_config(gateway.config_file)
    assert is_first(config)
    gateway.create_key("agent", "ana")
    assert not is_first(config)
