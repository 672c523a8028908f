"""The guide to identity is typed as it stands: from a key to a person whom a token proves."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import yaml

from tests.support import prefork
from tests.support.configuration import any_engine, configuration
from tests.support.gateway import GatewayProcess
from tests.support.prefork import ROOT
from tests.support.tokens import Signer
from tests.support.waiting import PATIENCE_SECONDS

GUIDE = (ROOT / "docs/guides/identity.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLUSTER = "https://kubernetes.default.svc.cluster.local"
ACCOUNT = "system:serviceaccount:billing:invoices"
MARK = "--- next block"


def commands(folder: Path, cluster: Signer, people: Signer) -> Path:
    """What the guide calls beside `regate`: of the cluster and of the identity provider, their tokens."""
    found = folder / "bin"
    found.mkdir()
    prefork.install(found / "regate")
    account = {"namespace": "billing", "serviceaccount": {"name": "invoices"}}
    of_pod = cluster.token(sub=ACCOUNT, **{"kubernetes.io": account})
    of_person = people.token(sub="alice", act={"sub": ACCOUNT})
    for name, token, asked in (
        ("kubectl", of_pod, "create token invoices --namespace billing --audience regate"),
        ("exchange", of_person, f"alice {ACCOUNT}"),
    ):
        (found / name).write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] && echo {token}\n')
        (found / name).chmod(0o755)
    return found


def test_the_guide_leads_from_a_key_to_a_person_whom_a_token_proves(tmp_path: Path) -> None:
    cluster, people = Signer(CLUSTER), Signer("https://id.acme.example")
    cluster.write(tmp_path / "cluster.json")
    people.write(tmp_path / "people.json")
    _, configured, github = (yaml.safe_load(text) for kind, text in BLOCK.findall(GUIDE) if kind == "yaml")
    configured["oidc"]["issuers"][0]["algorithms"] = [
        "ES256"
    ]  # a cluster signs by RSA, which takes long to make
    configured["oidc"]["issuers"] += github
    github[0]["jwks"] = "cluster.json"  # this machine is not on the internet
    gateway = GatewayProcess(tmp_path, configuration("http://127.0.0.1:1", engine=any_engine(), **configured))
    folder = commands(tmp_path, cluster, people)
    try:
        gateway.start()
        script = f"\necho '{MARK}'\n".join(text for kind, text in BLOCK.findall(GUIDE) if kind == "sh")
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script.replace("http://127.0.0.1:8700", gateway.url)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    finally:
        gateway.kill()
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    key, scoped, leaked, pod, person, evidence = done.stdout.split(MARK)
    for answered in (key, pod, person):
        assert '"object":"chat.completion"' in answered.replace(" ", "")
    assert "only providers demo, models demo*" in scoped
    assert "takes the place of" in scoped
    assert json.loads(leaked) == []
    rows = json.loads(evidence)
    assert [(row["agent"], row["on_behalf_of"], row["delegation"]) for row in rows] == [
        ("invoices", None, None),
        (ACCOUNT, None, None),
        (ACCOUNT, "alice", "proved"),
        ("invoices", "bob", "asserted"),
    ]
