"""A log of SARIF names its tool, its rules and its places; a line is 1 at least."""

from __future__ import annotations

from cli.sarif import sarif_log, sarif_place


def test_a_log_says_what_found_what_and_where() -> None:
    result = {"ruleId": "late", "message": {"text": "m"}, "locations": [sarif_place("a/b.py", 7)]}
    log = sarif_log("regate x", {"late": "It comes late."}, [result])
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["name"] == "regate x"
    assert driver["rules"] == [{"id": "late", "shortDescription": {"text": "It comes late."}}]
    assert log["runs"][0]["results"] == [result]


def test_what_is_about_the_whole_file_stands_on_its_first_line() -> None:
    place = sarif_place("a.py", 0)["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a.py", 1)
