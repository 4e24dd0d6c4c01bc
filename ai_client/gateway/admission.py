"""What the gateway asks of limits: whether a key may go on, and what its request has used.

The core knows no more of them than this; ``ai_client.limits`` keeps the counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ai_client.records import RequestRecord
from ai_client.snapshot import GatewayKeyConfig


class Lease(Protocol):
    """One request that was admitted: it holds its place until it is settled."""

    def headers(self) -> Mapping[str, str]:
        """The rate-limit headers of the answer."""

    def settle(self, record: RequestRecord) -> None:
        """The request is over, however it ended. Called once; does not wait for anything."""


class Admission(Protocol):
    """Counts what keys use. ``KeyLimitReached`` says which limit is reached and when it ends."""

    def applies_to(self, key: GatewayKeyConfig) -> bool:
        """Whether the key has any limit; without one nothing is asked and nothing is counted."""

    def require_room(self, key: GatewayKeyConfig) -> None:
        """Refuse at once a key that has used up a minute or a budget. Waits for nobody.

        Of how many run at a time ``admit`` decides: who runs now may have ended by then.
        """

    def admit(self, key: GatewayKeyConfig) -> Lease:
        """A place for one request; may wait for a shared store."""

    async def aadmit(self, key: GatewayKeyConfig) -> Lease:
        """As ``admit``, awaiting."""
