"""What a reserve finds, without what a gateway key is not for: pure."""

from __future__ import annotations

from dataclasses import dataclass

from ai_client.errors import AiClientError
from ai_client.key_rights import KeyScope
from ai_client.router import Route
from ai_client.session import Reserve
from ai_client.snapshot import GatewayKeyConfig


def kept_within(reserve: Reserve | None, key: GatewayKeyConfig | None) -> Reserve | None:
    """The reserve as the key may use it; itself where there is no key or no scope."""
    if reserve is None or key is None or key.scope is None:
        return reserve
    return ScopedReserve(reserve, key.scope)


@dataclass(frozen=True, slots=True)
class ScopedReserve:
    """Asks as the reserve does, and gives only the routes that a scope covers."""

    reserve: Reserve
    scope: KeyScope

    @property
    def routes(self) -> tuple[Route, ...]:
        """Those that are known by now and covered, in order."""
        return tuple(
            each
            for each in self.reserve.routes
            if self.scope.covers(each.connection.name, each.model)
        )

    @property
    def is_complete(self) -> bool:
        """Whether nobody is left who could be asked."""
        return self.reserve.is_complete

    def ask(self, seconds: float) -> None:
        """Ask the next upstream for its models, for so long at most; blocks."""
        self.reserve.ask(seconds)

    def nothing(self) -> AiClientError:
        """Why there is no route, once everybody has been asked."""
        return self.reserve.nothing()
