"""Secrets on command lines; options that look alike are left alone."""

import pytest

from gateway.detect import Detector
from tests.unit.detect.entities.test_secrets import found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mosquitto_pub -h b -u u -P m0sq-P4ss-1 -t x", "m0sq-P4ss-1"),
        ("smbclient //h/s -U jane%Tr0ub4dor", "Tr0ub4dor"),
        ("http -a jane:Tr0ub4dor&3x https://x.example", "Tr0ub4dor&3x"),
        ("gh auth login --with-token <<< Tr0ub4dor-3xyz", "Tr0ub4dor-3xyz"),
        ("echo 'jane:Tr0ub4dor3' | chpasswd", "Tr0ub4dor3"),
        ("radius-server host 10.1.1.1 key R4dius-K3y", "R4dius-K3y"),
        ("htpasswd -bc f jane Tr0ub4dor3", "Tr0ub4dor3"),
    ],
)
def test_a_password_is_found_where_the_program_takes_it(inspector: Detector, text: str, value: str) -> None:
    assert [one for entity, one in found(inspector, text) if entity == "PASSWORD"] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "docker run -p 8080:80 -a stdout app1:v2.1",
        "curl -u $USER1:$PASS1 https://x.example && curl --user admin https://x.example",
        "mkdir -p dir1/dir2 && ssh -p 2222 host1 && cp -a src1 dst2",
        "redis-cli -h c1 -p 6379 ping",
        "echo done-2026 | tee log1 && echo $TOKEN1 | docker login --password-stdin",
        "a.py:12:5:E501:line too long",
    ],
)
def test_other_options_are_left_alone(inspector: Detector, text: str) -> None:
    assert [one for one in found(inspector, text) if one[0] in ("PASSWORD", "API_KEY")] == []


def test_a_stream_waits_for_what_reads_a_piped_value(inspector: Detector) -> None:
    assert inspector.open_at("$ echo r00t-P4ss! ") == 2
