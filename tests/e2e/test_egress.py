"""`deploy/egress` leaves providers reachable through the gateway alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.support.prefork import ROOT
from tests.support.waiting import PATIENCE_SECONDS

EGRESS = ROOT / "deploy/egress"


def namespaces() -> bool:
    """Return whether nftables can be loaded in a namespace of our own."""
    if os.environ.get("REGATE_REQUIRE_NFT") == "1":
        return True
    if not all(map(shutil.which, ("nft", "ip", "unshare"))):
        return False
    tried = subprocess.run(["unshare", "-rnmf", "nft", "list", "ruleset"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not namespaces(), reason="no nftables, or no right to make a network namespace")
def test_behind_the_rules_a_host_reaches_the_gateway_alone() -> None:
    """`regate doctor --bypass` says so from there, and said otherwise before they were loaded."""
    script, rules = ROOT / "tests/support/namespaces.sh", EGRESS / "agents.nft"
    done = subprocess.run(
        ["unshare", "-rnmpf", "--kill-child", "bash", script, sys.executable, rules],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, behind = ({one["what"]: one for one in json.loads(line)} for line in done.stdout.splitlines())
    hosts = ["203.0.113.9:443", "[2001:db8::9]:443", "203.0.113.9:8443"]
    assert [before[host]["ok"] for host in hosts] == [False] * 3, before
    assert [behind[host]["ok"] for host in hosts] == [True] * 3, behind
    assert [one["gateway"]["ok"] for one in (before, behind)] == [True, True]


@pytest.mark.parametrize(
    ("name", "pods", "rule"),
    [
        ("networkpolicy.yaml", "podSelector", "to"),
        ("cilium.yaml", "endpointSelector", "toEndpoints"),
    ],
)
def test_every_pod_of_agents_has_a_list_of_what_it_reaches(name: str, pods: str, rule: str) -> None:
    policy: dict[str, Any] = next(yaml.safe_load_all((EGRESS / name).read_text()))
    assert (policy["metadata"]["namespace"], policy["spec"][pods]) == ("agents", {})
    assert all(one[rule] and one.get("ports", one.get("toPorts")) for one in policy["spec"]["egress"])
