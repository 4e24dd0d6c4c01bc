"""Name resolution that gives only addresses this site may send to.

A name is resolved once per connection attempt, every address is checked, and the socket is opened
to an address that passed: nothing is resolved a second time between the check and the use.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from ai_client.addresses import AllowList, literal
from ai_client.errors import AddressRefused, NameNotResolved

RESOLVE_SECONDS = 5.0


class Guard:
    """Checks hosts against the allow-list, which is read each time (settings may change)."""

    def __init__(self, allowed: Callable[[], AllowList]) -> None:
        self._allowed = allowed

    def resolve(self, host: str, port: int) -> list[str]:
        """Addresses of ``host`` that may be used, in the resolver's order; blocking."""
        self.check_literal(host, port)
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _not_resolved() from error
        return self._checked(host, port, [str(entry[4][0]) for entry in found])

    async def aresolve(self, host: str, port: int) -> list[str]:
        """As ``resolve``, in the event loop's resolver."""
        self.check_literal(host, port)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _not_resolved() from error
        return self._checked(host, port, [str(entry[4][0]) for entry in found])

    def check_literal(self, host: str, port: int) -> None:
        """Raise ``AddressRefused`` where ``host`` is itself an address that is not allowed."""
        if not _may_be_literal(self._allowed(), host, port):
            raise _refused()

    def _checked(self, host: str, port: int, addresses: list[str]) -> list[str]:
        allowed = self._allowed()
        unique = list(dict.fromkeys(addresses))
        if not unique:
            raise _not_resolved()
        # One refused address refuses the name: a mixed answer is how rebinding looks.
        for address in unique:
            if not allowed.permits(host, port, ip_address(address.partition("%")[0])):
                raise _refused()
        return unique


@lru_cache(maxsize=1024)
def _may_be_literal(allowed: AllowList, host: str, port: int) -> bool:
    """Whether ``host`` is a name, or an address that is allowed. Each request asks it."""
    address = literal(host)
    return address is None or allowed.permits(host, port, address)


def _refused() -> AddressRefused:
    return AddressRefused(
        "The base URL leads to a private or reserved address. If that is meant, add its host to "
        "KONEEK_ALLOW_PRIVATE_HOSTS (host or host:port)."
    )


def _not_resolved() -> NameNotResolved:
    return NameNotResolved("The host name in the base URL cannot be resolved.")
