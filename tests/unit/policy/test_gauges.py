"""What Prometheus reads of the policy."""

from gateway.policy import PolicyGauges, PolicyStatus


def test_the_policy_in_force_and_a_broken_edit_show() -> None:
    status = PolicyStatus("sidecar", revision="r1", ready=True, tables={"users": "r9"})
    shown = PolicyGauges(lambda: status).exposition().decode()
    assert 'regate_policy_info{engine="sidecar",revision="r1"} 1.0' in shown
    assert 'regate_policy_table_info{revision="r9",table="users"} 1.0' in shown
    assert "regate_policy_ready 1.0" in shown
    broken = PolicyStatus("sidecar", revision="r1", ready=True, error="line 1")
    shown = PolicyGauges(lambda: broken).exposition().decode()
    assert "regate_policy_ready 0.0" in shown
    assert "regate_policy_reload_failing 1.0" in shown
