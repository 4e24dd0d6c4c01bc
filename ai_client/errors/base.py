"""What all errors have in common, and what a failure may do to a connection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from typing import ClassVar, Self


class Effect(Enum):
    """What a failure does to the health of the connection that failed."""

    NONE = "none"
    BREAKER = "breaker"
    HALF = "half"
    COOLDOWN = "cooldown"
    OFF_UNTIL_EDITED = "off_until_edited"
    OFF_BRIEFLY = "off_briefly"
    OFF_WITH_PROBE = "off_with_probe"


class Scope(Enum):
    """Whose health is affected: the model on that connection, or the whole connection."""

    MODEL = "model"
    CONNECTION = "connection"


class AiClientError(Exception):
    """Base of all errors raised by this package.

    ``message`` is safe to show: no key, no internal URL. ``code`` is a stable word, the same in
    answer, log and docs/errors.md. ``status`` is the gateway's if this error is final.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param

    def with_message(self, message: str) -> Self:
        """The same failure, told in other words."""
        again = copy.copy(self)
        again.args, again.message = (message,), message
        return again

    def clean(self, redact: Callable[[str], str]) -> None:
        """Take secrets out of all that the error says, by ``redact``."""
        self.message = redact(self.message)
        self.args = (self.message,)
        self.param = redact(self.param) if self.param else self.param
