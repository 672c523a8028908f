"""Which IP addresses are personal: those of the public internet, told from versions, blocks and examples."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import regex

from gateway.detect.matching.labels import Labels, Told, Vocabulary

SURE, WEAK, NONE = 0.6, 0.3, 0.0

_WORDS = Vocabulary(
    own=(
        r"ips?|ipaddr\w*|ipv[46]|addr|address|addresses|adresse|dirección|hosts?|hostname|rhost|remote|peer|src|dst"
        r"|dest|destination|dns|nameserver|inet6?|ping|ssh|scp|listen|bind|forwarded|realip|xff|https?|wss?|tcp|udp"
    ),
    hints=(
        r"servers?|clients?|cliente|serveur|from|via|source|gateway|gw|curl|proxy|endpoint|node|upstream|origin"
        r"|visitor|login|logged|connect\w*|to|at|user|router?|route|von|de"
    ),
    others=(
        r"ver|versions?|versionen|versión|versão|releas\w+|build|rev|revision|firmware|sections?|sect|chapter|clause"
        r"|kapitel|abschnitt|ziffer|artikel|article|table|figure|annex|appendix|paragraph|oid|upgrade\w*|update\w*"
        r"|downgrade\w*|driver|runtime|sdk|packages?|assembly\w*|tag|pin|pinned|fileversion|productversion|netmask"
        r"|mask|subnetmask|wildcard|.*(?:版本|バージョン|버전).*"
    ),
)
# Of a version no part has three digits; an address has one more often than not.
_WIDE = regex.compile(r"\b\d{3}\b")
_COMPARED = regex.compile(r"(?:[=<>~!]=|[~^§])\s?[\"']?$")
_V_BEFORE = regex.compile(r"\b[vV][\s.:=_]{0,3}$")
# A product's name, unless the number is like no version: 203.0.113.77 has two parts of three digits.
_NAME_BEFORE = regex.compile(
    r"(?:\w/|(?<=[a-z\d])(?<!(?:ip|v4|v6|addr|address|host|server|node|from|to|src|dst))_|[^\W\d_][\-+])$",
    regex.IGNORECASE,
)
_FILE_BEHIND = regex.compile(
    r"[\-.+](?:[a-z]\w*[\-.])*(?:jar|whl|tar|t?gz|zip|dll|exe|deb|rpm|nupkg|msi|pkg|dmg|war|apk|so|js|css|txt|md)\b"
    r"|[\-+](?:alpha|beta|rc|snapshot|dev|pre|post|final|release|build)",
    regex.IGNORECASE,
)
_SCOPE_BEHIND = regex.compile(r"\(|::")  # fe::c0de()
_LOG_BEHIND = regex.compile(r" - ")  # at the begin of a line: 203.0.113.77 - - [24/Nov/2026…
# From the first address of a block to its last one: 193.0.0.0 - 193.0.7.255
_RANGE_BEHIND = regex.compile(r" ?- ?(?:\d{1,3}\.){3}255(?![\d.])")
_RANGE_BEFORE = regex.compile(r"(?<![\d.])(?:\d{1,3}\.){3}0 ?- ?$")
_EUI_64 = regex.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){7}")  # the id of an interface has eight bytes
_UNICAST = IPv6Network("2000::/3")
_EXAMPLES = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)
# Public resolvers.
_WELL_KNOWN = frozenset(
    map(
        ip_address,
        [
            "8.8.8.8",
            "8.8.4.4",
            "1.1.1.1",
            "1.0.0.1",
            "1.1.1.2",
            "1.1.1.3",
            "9.9.9.9",
            "9.9.9.10",
            "149.112.112.112",
            "208.67.222.222",
            "208.67.220.220",
            "4.2.2.1",
            "4.2.2.2",
            "4.2.2.3",
            "4.2.2.4",
            "64.6.64.6",
            "64.6.65.6",
            "94.140.14.14",
            "94.140.15.15",
            "77.88.8.8",
            "114.114.114.114",
            "223.5.5.5",
            "223.6.6.6",
            "119.29.29.29",
            "2001:4860:4860::8888",
            "2001:4860:4860::8844",
            "2606:4700:4700::1111",
            "2606:4700:4700::1001",
            "2620:fe::fe",
            "2620:fe::9",
        ],
    )
)


def score(value: str, text: str, start: int, labels: Labels) -> float:
    """Return how sure it is that the address which is written at `start` is personal; NONE if it is none."""
    written, _, width = value.partition("/")
    try:
        address = _address(written.partition("%")[0])
        is_block = width and _is_block(address, int(width))
    except ValueError:
        return NONE
    if is_block:
        return NONE
    if address in _WELL_KNOWN or not _is_public(address, written):
        return NONE
    end = start + len(value)
    if isinstance(address, IPv6Address):
        if _EUI_64.fullmatch(written) and labels.told(start, _WORDS) <= Told.NOTHING:
            return NONE
        is_told = not _is_example(address) or labels.told(start, _WORDS) > Told.NOTHING
        return SURE if is_told and not _SCOPE_BEHIND.match(text, end) else NONE
    return _of_version_4(text, start, end, address, labels)


def _address(written: str) -> IPv4Address | IPv6Address:
    """Return the address; one that is mapped into version 6 as what it is."""
    address = ip_address(written)
    return getattr(address, "ipv4_mapped", None) or address


def _is_block(address: IPv4Address | IPv6Address, width: int) -> bool:
    """Return whether it stands for all the addresses that begin so: 10.0.0.0/16, and no host in it."""
    network = ip_network(f"{address}/{width}", strict=False)
    return network.num_addresses > 1 and network.network_address == address


def _is_public(address: IPv4Address | IPv6Address, written: str) -> bool:
    if _is_example(address):
        return True
    is_private = address.is_private or address.is_link_local or address.is_multicast or address.is_loopback
    if isinstance(address, IPv6Address):
        return not is_private and (address in _UNICAST or "::" not in written)  # fe::c0de is a name in C++
    return address.is_global and not is_private


def _is_example(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _EXAMPLES if network.version == address.version)


def _of_version_4(text: str, start: int, end: int, address: IPv4Address, labels: Labels) -> float:
    before, value = text[max(0, start - 24) : start], text[start:end]
    wide, told = len(_WIDE.findall(text, start, end)), labels.told(start, _WORDS)
    named = wide < 2 and (_NAME_BEFORE.search(before) or _V_BEFORE.search(before))
    is_block = (value.endswith(".0") and _RANGE_BEHIND.match(text, end)) or (
        value.endswith(".255") and _RANGE_BEFORE.search(before)
    )
    if told is Told.OTHER or named or is_block:
        return NONE
    if not wide and (_COMPARED.search(before) or _FILE_BEHIND.match(text, end)):
        return NONE
    begins_log = (not before or before[-1] == "\n") and _LOG_BEHIND.match(text, end)
    if told is Told.NAMED or begins_log:
        return SURE
    if _is_example(address):
        return SURE if told is Told.NEAR else NONE
    return SURE if wide else WEAK
