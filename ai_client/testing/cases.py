"""The fake for test cases of unittest and Django."""

from __future__ import annotations

import unittest

from ai_client.testing.fake import FakeAi


class FakeAiMixin(unittest.TestCase):
    """Gives each test of a case a fake, ``self.fake_ai``. Name it before the case's other bases."""

    fake_ai: FakeAi

    def setUp(self) -> None:
        super().setUp()
        self.fake_ai = self.enterContext(FakeAi())
