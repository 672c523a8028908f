"""Failed sign-ins: at most ten a minute from one address with one key, or in one browser."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

FAILURES = 10
WINDOW_SECONDS = 60.0
_MOST_COUNTED = 10_000


class Attempts:
    """Failed sign-ins in this process, by address and by key or browser: many users may share an address.

    An IPv6 address counts by its /64, the network of one machine.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait_seconds(self, address: str, who: str = "") -> float:
        """Return the seconds until the next attempt is allowed; 0 for now."""
        recent = self._recent((_network(address), who))
        return 0 if len(recent) < FAILURES else recent[-FAILURES] + WINDOW_SECONDS - self._now()

    def failed(self, address: str, who: str = "") -> None:
        """Count a failure. `who` is the id of a key, or of a visit."""
        source = (_network(address), who)
        self._failed[source] = [*self._recent(source), self._now()]
        self._failed.move_to_end(source)
        if len(self._failed) > _MOST_COUNTED:
            self._failed.popitem(last=False)

    def _recent(self, source: tuple[str, str]) -> list[float]:
        since = self._now() - WINDOW_SECONDS
        return [at for at in self._failed.get(source, ()) if at > since]


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
