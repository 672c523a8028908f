"""Rego files as OPA's parser reads them."""

from pathlib import Path

from cli.policy.syntax import dotted, nodes, parse_all, rule_name


def test_files_that_parse_are_read_and_others_left_out(opa: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.rego", tmp_path / "bad.rego"
    good.write_text('package regate.rules.a\n\nx if input.agent.claims["a"] == http.send({})\n')
    bad.write_text("package\n")
    (module,) = parse_all(opa, [bad, good])
    assert (module.path, module.package, module.package_line) == (good, "regate.rules.a", 1)
    assert [rule_name(rule) for rule in module.rules] == ["x"]
    named = {dotted(node) for node in nodes(module.rules) if node["type"] == "ref"}
    assert {"input.agent.claims.a", "http.send"} <= named
