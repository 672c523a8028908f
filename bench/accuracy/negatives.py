"""Clean text: code, logs, data and prose full of numbers and ids that are nobody's."""

# ruff: noqa: E501 - lines of made-up logs and code read best whole

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

_HEX = "0123456789abcdef"
_WORDS = """
order item retry cache stream token queue build release worker index batch model vector buffer session parser
node schema field record window offset branch commit driver kernel packet
""".split()  # fmt: skip  # noqa: SIM905 - read more easily than a list


def negatives(source: random.Random, characters: int) -> Iterator[str]:
    """Texts of some hundred characters each, until there are so many characters of them."""
    written = 0
    while written < characters:
        text = "\n".join(source.choice(_KINDS)(source) for _ in range(source.randrange(3, 12)))
        written += len(text)
        yield text


def _code(source: random.Random) -> str:
    one, other = source.choice(_WORDS), source.choice(_WORDS)
    number = source.choice([source.randrange(10), source.randrange(10**4), 86400, 65536, 10**9])
    return source.choice(
        [
            f"def {one}_{other}(self, {other}: int = {number}) -> None:",
            f"    if {one} > 2147483647 or {one} < -2147483648: raise OverflowError",
            f"    self._{one} = {other}[{number}:{number + 16}]",
            f"for {one} in range({number}): {other}.append({one} * 0x{source.randrange(2**32):08x})",
            f'import {{ {one} }} from "@{other}/{one}";  // v{_version(source)}',
            f'password = os.environ["{one.upper()}_PASSWORD"]',
            f"secret = load_secret('{one}', region=settings.{other}_region)",
            f"const {one} = await fetch(`/api/v{source.randrange(4)}/{other}/${{id}}?limit={number}`);",
            f".{one} {{ margin: 0 {source.randrange(40)}px; color: #{_hex(source, 6)}; }}",
            f"SELECT {one}, count(*) FROM {other} WHERE id BETWEEN {number} AND {number + 5000} GROUP BY 1;",
            f"assert {one}({source.random()!r}) == pytest.approx({source.random() * 1000!r})",
            f"git clone git@github.com:{one}/{other}.git && pip install {one}=={_version(source)}",
        ]
    )


def _log(source: random.Random) -> str:
    level = source.choice(["INFO", "WARN", "DEBUG", "ERROR"])
    return source.choice(
        [
            f"{_time(source)} {level} [{source.choice(_WORDS)}-{source.randrange(64)}] "
            f"{source.choice(_WORDS)} took {source.random() * 5000:.3f} ms, {source.randrange(10**7)} bytes",
            f"[{source.randrange(10**5)}.{source.randrange(10**6):06}] {source.choice(_WORDS)}: "
            f"port {source.randrange(65536)} pid={source.randrange(10**6)}",
            f"{source.randrange(1763000000, 1764000000)} {level} request_id={uuid.UUID(int=source.getrandbits(128))}",
            f'127.0.0.1 - - [22/Nov/2026:08:00:{source.randrange(60):02} +0000] "GET /{source.choice(_WORDS)}'
            f'?page={source.randrange(900)} HTTP/1.1" 200 {source.randrange(10**6)} "-" "Mozilla/5.0 Chrome/120.0.0.0"',
            f"commit {_hex(source, 40)}",
            f"  Downloading {source.choice(_WORDS)}-{_version(source)}-py3-none-any.whl ({source.randrange(999)} kB)",
            f"sha256:{_hex(source, 64)}  {source.choice(_WORDS)}.tar.gz",
            f"@@ -{source.randrange(900)},{source.randrange(30)} +{source.randrange(900)},{source.randrange(30)} @@",
        ]
    )


def _data(source: random.Random) -> str:
    return source.choice(
        [
            f'{{"id": "call_{_hex(source, 24)}", "index": {source.randrange(99)}, "created": 17638{source.randrange(10**5):05}}}',
            f'{{"price": {source.randrange(10**6) / 100}, "sku": "{source.choice(_WORDS).upper()}-{source.randrange(10**5)}"}}',
            f"{source.random():.16f}, {source.gauss(0, 40):.6f}, {source.randrange(10**6)}, {source.randrange(100)}%",
            f"{_time(source)[:10]}; {source.randrange(10**4)}.{source.randrange(100):02} EUR; {source.choice(_WORDS)}",
            f"etag: W/'{_hex(source, 32)}'; max-age={source.randrange(10**6)}",
            f"[{source.random() * 180 - 90:.6f}, {source.random() * 360 - 180:.6f}]",
            f"<svg viewBox='0 0 {source.randrange(900)} {source.randrange(900)}'><path d='M{source.randrange(99)}.5 "
            f"{source.randrange(99)}l{source.randrange(9)}.25-{source.randrange(9)}.75z'/></svg>",
        ]
    )


def _prose(source: random.Random) -> str:
    one, other = source.choice(_WORDS), source.choice(_WORDS)
    return source.choice(
        [
            f"The {one} was {source.randrange(2, 99)}% faster than the {other} in {source.randrange(1990, 2027)}.",
            f"See section {source.randrange(9)}.{source.randrange(20)}.{source.randrange(9)} on page {source.randrange(900)}.",
            f"Between {source.randrange(1, 12)}:00 and 12:30 we moved {source.randrange(10**6):,} rows of {one}.",
            f"RFC {source.randrange(2000, 9500)} and ISO {source.randrange(9000, 30000)}-1:2022 describe the {other}.",
            f"It cost ${source.randrange(10**7):,} in all, {source.randrange(100)} cents a {one}.",
            f"The {one} is not a {other}, and the password is never stored.",
        ]
    )


_KINDS: tuple[Callable[[random.Random], str], ...] = (_code, _log, _data, _prose)


def _hex(source: random.Random, length: int) -> str:
    return "".join(source.choice(_HEX) for _ in range(length))


def _version(source: random.Random) -> str:
    return ".".join(str(source.randrange(30)) for _ in range(3))


def _time(source: random.Random) -> str:
    return (
        f"2026-{source.randrange(1, 13):02}-{source.randrange(1, 29):02}T{source.randrange(24):02}:"
        f"{source.randrange(60):02}:{source.randrange(60):02}.{source.randrange(10**6):06}Z"
    )
