"""Which network addresses this site sends requests to: pure.

Base URLs are typed by people who may not be the site's operators, so a request must not reach
what only this machine can reach: loopback, private networks, link-local metadata services.
``ipaddress.is_private`` is not enough on Python 3.11 (100.64.0.0/10, 64:ff9b::/96, 2002::/16,
192.0.0.192 and 168.63.129.16 pass it), hence a list of our own, after the IANA special-purpose
registries. IPv6 is the other way about: only global unicast is allowed, less its special parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_MAPPED = IPv6Network("::ffff:0:0/96")

# Metadata services hand out the machine's own credentials; allowing the host that happens to
# resolve to one is not enough, the address itself has to be in the list.
_METADATA = frozenset(
    ip_address(address)
    for address in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)


def is_public(address: Address) -> bool:
    """Whether ``address`` is one that anybody on the internet can reach."""
    if isinstance(address, IPv6Address):
        if address in _MAPPED:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_V6 and not any(address in each for each in _REFUSED_V6)
    return not any(address in network for network in _REFUSED_V4)


def is_metadata(address: Address) -> bool:
    """Whether ``address`` is a cloud's metadata service."""
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & 0xFFFFFFFF) in _METADATA
    return address in _METADATA


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts that may be on private addresses: ``host`` (any port) or ``host:port``."""

    entries: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """From strings such as ``ollama``, ``127.0.0.1:11434``, ``[::1]:8080``.

        Raises ``ValueError`` naming the entry that is none of these.
        """
        return cls(frozenset(_entry(text.strip()) for text in entries if text.strip()))

    def covers(self, host: str, port: int) -> bool:
        host = _bare(host)
        return (host, None) in self.entries or (host, port) in self.entries

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether a request to ``host:port`` may go to ``address``, which it resolves to."""
        if is_public(address):
            return True
        if not self.covers(host, port):
            return False
        return not is_metadata(address) or _bare(host) == str(address)


def literal(host: str) -> Address | None:
    """The address that ``host`` is, when it is one; None for a name."""
    try:
        return ip_address(_bare(host).partition("%")[0])
    except ValueError:
        return None


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _entry(text: str) -> tuple[str, int | None]:
    if "/" in text or "@" in text or "*" in text or any(char.isspace() for char in text):
        raise ValueError(f"{text!r} is not host or host:port")
    if literal(text) is not None:
        return _bare(text), None
    host, colon, port = text.rpartition(":")
    if not colon:
        return _bare(text), None
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not host or host:port")
    return _bare(host), int(port)
