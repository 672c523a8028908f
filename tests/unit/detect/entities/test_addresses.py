"""Which IP addresses are personal: not versions, blocks, names in code, private ones and examples."""

import pytest

from gateway.detect import Detector


@pytest.mark.parametrize(
    "text",
    [
        "93.184.216.34",
        "ip=62.4.17.9",
        "ping 62.4.17.9",
        "https://62.4.17.9/x",
        "2a02:8388::8a2e:370:7334",
        "::ffff:93.184.216.34",
        "93.184.216.34/24",  # a host and how wide its network is
        "203.0.113.77 - - [24/Nov/2026:10:00:00 +0000]",
        "user_id\tip\n88123\t203.0.113.77",
        "Failed password for admin from 2001:db8:85a3::8a2e:370:7334",
    ],
)
def test_an_address_of_the_internet_is_found(inspector: Detector, text: str) -> None:
    assert [one.entity for one in inspector.inspect(text)] == ["IP_ADDRESS"]


@pytest.mark.parametrize(
    "text",
    [
        "10.0.3.7, 172.16.4.1, 192.168.0.12 and fe80::1, fd00::1:2:3",
        "8.8.8.8 or 2606:4700:4700::1111",
        "allow 93.184.216.0/24 and 2a02:8388::/32",
        'VERSION = "4.10.3.1"',
        '<Version>1.0.0.0</Version> [assembly: AssemblyVersion("16.30.15.7")]',
        "app-3.10.12.4.jar, lib_1.2.3.4, package==1.2.3.4, Chrome/120.0.0.0",
        "see section 4.2.3.1",
        "4.10.3.1",
        "fe::c0de() and bed::c0de(1)",
        "inetnum: 193.0.0.0 - 193.0.7.255",
        "the docs use 192.0.2.7 and 2001:db8::7",
        "route 0.0.0.0/0, mask 255.255.255.0",
    ],
)
def test_what_only_looks_like_an_address_is_left_alone(inspector: Detector, text: str) -> None:
    assert inspector.inspect(text) == ()
