"""Secrets under their name in tables, and in cookies."""

import pytest

from gateway.detect import Detector
from tests.unit.detect.entities.test_secrets import found


def test_every_row_of_a_table_is_read(inspector: Detector) -> None:
    rows = "".join(f"user{n},Tr0ub4dor&{n}x,{n}\n" for n in range(50))
    assert len(found(inspector, f"name,password,n\n{rows}")) == 50


def test_quotes_do_not_move_the_columns(inspector: Detector) -> None:
    text = 'name,note,password\n"Roe, Jane","a, b","Tr0ub4dor&3"\nJohn,,changeme\n'
    assert found(inspector, text) == [("PASSWORD", "Tr0ub4dor&3")]


def test_two_secrets_in_a_row_are_two_findings(inspector: Detector) -> None:
    text = "| Passwort | token |\n|---|---|\n| Herbst#2026 | 9f8e7d6c5b4a39281706f5e4d3c2b1a0 |\n"
    assert [value for _, value in found(inspector, text)] == [
        "Herbst#2026",
        "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Enter your name, password, and mail\nThen do step2x, click next1x, submit3\n",
        "name,password_hash,n\njane,5f4dcc3b5aa765d61d8327deb882cf99,1\n",
        "| password | what |\n|---|---|\n| a secret2 value | b |\n",
        "password,\n",
        "INSERT INTO t (id, name) VALUES (1, 'Tr0ub4dor&3');",
        "INSERT INTO t (id, password) VALUES (1, NULL), (2, '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36W');",
    ],
)
def test_prose_and_other_columns_are_left_alone(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


def test_the_second_row_of_an_insert_is_read_past_quotes_and_brackets(inspector: Detector) -> None:
    text = "INSERT INTO u (a, password) VALUES ('it''s (1)', 'Tr0ub4dor&3'),\n ('b', 'Herbst#2026');"
    assert [value for _, value in found(inspector, text)] == ["Tr0ub4dor&3", "Herbst#2026"]


def test_only_the_cookies_of_a_session_are_secrets(inspector: Detector) -> None:
    text = "Cookie: _ga=GA1.2.1234567890.1234567890; sid=38afes7a8c9d0e1f2a3b4c5d6e7f8091; theme=dark2"
    assert found(inspector, text) == [("API_KEY", "38afes7a8c9d0e1f2a3b4c5d6e7f8091")]
    alone = '{"name":"cookie","value":"session=s%3Aj9Zk2LqW8xYv7TtR.Ab3dEf6hIj9k"}'
    assert found(inspector, alone) == [("API_KEY", "session=s%3Aj9Zk2LqW8xYv7TtR.Ab3dEf6hIj9k")]
