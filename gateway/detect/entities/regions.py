"""Groups of regions whose phone numbers are looked for: `eu` stands for its 27 members."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import phonenumbers

from gateway.errors import ConfigError

GROUPS = MappingProxyType(
    {
        "eu": "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE",
        "europe": "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE "
        "GB CH NO IS UA RS AL BA MD ME MK",
        "north_america": "US CA",
        "latam": "BR MX AR CL CO PE EC UY PY BO VE CR GT PA DO",
        "apac": "AU NZ JP KR CN HK TW SG IN ID MY TH PH VN",
        "mea": "IL AE SA QA KW EG MA TN TR JO ZA NG KE GH",
    }
)


def codes(regions: Sequence[str]) -> tuple[str, ...]:
    """Return the ISO 3166 codes that these codes and groups stand for, each once.

    Raises ConfigError on a name that is neither.
    """
    found: dict[str, None] = {}
    unknown = []
    for name in regions:
        members = GROUPS[name].split() if name in GROUPS else [name]
        if name not in GROUPS and name not in phonenumbers.SUPPORTED_REGIONS:
            unknown.append(name)
        found |= dict.fromkeys(members)
    if unknown:
        raise ConfigError(
            f"detect.regions: {', '.join(sorted(unknown))}: expected ISO 3166 codes such as US, GB, DE, "
            f"or {', '.join(GROUPS)}"
        )
    return tuple(found)
