"""The fake as a fixture of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ai_client.testing.fake import FakeAi


@pytest.fixture
def fake_ai() -> Iterator[FakeAi]:
    """No network, scripted answers, and everything that was asked."""
    # Not before Django's apps are ready.
    from ai_client.testing.fake import FakeAi

    with FakeAi() as fake:
        yield fake
