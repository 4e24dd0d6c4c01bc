"""For tests of code that asks AI services: nothing is sent, answers are scripted.

With pytest, name this module as a plugin and take the fixture ``fake_ai``::

    pytest_plugins = ["ai_client.testing"]  # in conftest.py

Elsewhere use ``with FakeAi() as fake_ai:`` or ``FakeAiMixin``. ``ScriptedTransport`` is one step
below: canned HTTP answers for a registry of one's own. docs/testing.md shows all of it.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ai_client.testing.answers import Asked as Asked
    from ai_client.testing.cases import FakeAiMixin as FakeAiMixin
    from ai_client.testing.clock import SimulatedClock as SimulatedClock
    from ai_client.testing.fake import FakeAi as FakeAi
    from ai_client.testing.transport import HttpAnswer as HttpAnswer
    from ai_client.testing.transport import ScriptedTransport as ScriptedTransport
    from ai_client.testing.transport import SentRequest as SentRequest
    from ai_client.testing.world import FakeConnection as FakeConnection

__all__ = [
    "Asked",
    "FakeAi",
    "FakeAiMixin",
    "FakeConnection",
    "HttpAnswer",
    "ScriptedTransport",
    "SentRequest",
    "SimulatedClock",
]

_HOMES = {
    "Asked": "answers",
    "FakeAi": "fake",
    "FakeAiMixin": "cases",
    "FakeConnection": "world",
    "HttpAnswer": "transport",
    "ScriptedTransport": "transport",
    "SentRequest": "transport",
    "SimulatedClock": "clock",
}


def __getattr__(name: str) -> object:
    # Loaded when used: as a plugin this module comes before Django's apps are ready.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


# A fixture is found by being an attribute of the plugin. Who has no pytest needs none.
if importlib.util.find_spec("pytest") is not None:
    from ai_client.testing.fixtures import fake_ai as fake_ai
