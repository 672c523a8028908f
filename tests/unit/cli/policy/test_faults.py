"""The place and the remedy of a fault, as its message tells them."""

import pytest

from cli.policy.faults import PolicyFault, fault_of
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("a.rego:3: found x; expected y", PolicyFault("a.rego", 3, "found x", "expected y")),
        ("/rego/a.rego: cannot be read", PolicyFault("/rego/a.rego", 0, "cannot be read")),
        ("no opa", PolicyFault("rego", 0, "no opa")),
    ],
)
def test_a_message_is_taken_apart_and_put_together_again(message: str, fault: PolicyFault) -> None:
    found = fault_of(ConfigError(message), "rego")
    assert found == fault
    assert message in str(found)
