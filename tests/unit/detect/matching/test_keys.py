"""Private keys that have no PEM armor."""

from gateway.detect.matching.keys import find_bare_keys, is_jwk_member, is_private_key, open_bare_key
from gateway.detect.matching.patterns import Deadline

MEMBER = "q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C2v3B4"


def test_the_private_members_of_a_jwk_are_found() -> None:
    text = f'{{"kty": "EC", "x": "{MEMBER[::-1]}", "d": "{MEMBER}"}}'
    assert [text[one.start : one.end] for one in find_bare_keys(text, Deadline(10))] == [MEMBER]
    assert is_jwk_member("d", MEMBER)
    assert not is_jwk_member("x", MEMBER)


def test_a_putty_key_is_waited_for_until_its_last_line() -> None:
    text = "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAAIA==\n"
    assert open_bare_key(text) == 0
    assert open_bare_key(f"{text}Private-MAC: {'0a' * 32}\n") == -1
    (key,) = find_bare_keys(text, Deadline(10))
    assert key.start == 0


def test_der_is_known_by_its_first_bytes() -> None:
    assert is_private_key(b"openssh-key-v1\0rest")
    assert not is_private_key(b"\x30\x82\x01\x0a\x02\x82\x01\x01")
