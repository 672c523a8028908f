"""The built-ins that the embedded engine does not have."""

import json
from pathlib import Path

from cli.policy.opa import run_opa
from cli.policy.subset import NOT_EMBEDDED


def test_each_of_them_is_one_that_opa_has(opa: Path) -> None:
    known = {each["name"] for each in json.loads(run_opa(opa, "capabilities", "--current").out)["builtins"]}
    assert known >= NOT_EMBEDDED
