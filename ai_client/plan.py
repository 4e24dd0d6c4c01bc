"""A request on its way to the client: what is asked, and of whom."""

from __future__ import annotations

from ai_client.ask import Limits
from ai_client.messages import GenerationRequest
from ai_client.router import AUTO, Route
from ai_client.session import Reserve
from ai_client.values import value


@value(frozen=True, slots=True)
class Plan:
    """A request, and who may answer it: a model's name as for ``generate``, or routes in order.

    ``caller`` is the app's label; ``limits``: the site's unless given; ``reserve``: if all fail.
    """

    request: GenerationRequest
    model: str | tuple[Route, ...] = AUTO
    caller: str = ""
    limits: Limits | None = None
    reserve: Reserve | None = None

    @property
    def requested(self) -> str:
        """What was asked for, in a word, for the log."""
        if isinstance(self.model, str):
            return self.model
        return self.model[0].model if self.model else ""
