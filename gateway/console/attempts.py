"""How often somebody may fail to sign in: ten times a minute from one address."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

FAILURES = 10
WINDOW_SECONDS = 60.0
_ADDRESSES = 10_000


class Attempts:
    """Failed sign-ins by address (IPv6: by its /64, which one machine has whole), in this process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """0 when another attempt is welcome, else after how many seconds it is."""
        recent = self._recent(_network(address))
        return 0 if len(recent) < FAILURES else recent[-FAILURES] + WINDOW_SECONDS - self._now()

    def failed(self, address: str) -> None:
        network = _network(address)
        self._failed[network] = [*self._recent(network), self._now()]
        self._failed.move_to_end(network)
        if len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, network: str) -> list[float]:
        since = self._now() - WINDOW_SECONDS
        return [at for at in self._failed.get(network, ()) if at > since]


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
