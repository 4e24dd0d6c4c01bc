"""What all errors have in common, and what a failure may do to a connection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from typing import ClassVar, Final, Self


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


LONGEST_MESSAGE: Final = 2_000
"""Characters; what is longer is a page, or names that a caller made up."""
_LONGEST_PARAM: Final = 200


class AiClientError(Exception):
    """Base of all errors raised by this package.

    ``message`` is safe to show: no key, no internal URL; it is cut to ``LONGEST_MESSAGE``. ``code``
    is a stable word, the same in answer, log and docs/errors.md. ``status`` is the gateway's if
    this error is final.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None) -> None:
        self.message = _cut(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        self.param = None if param is None else _cut(param, _LONGEST_PARAM)

    def with_message(self, message: str) -> Self:
        """The same failure, told in other words."""
        again = copy.copy(self)
        again.message = _cut(message, LONGEST_MESSAGE)
        again.args = (again.message,)
        return again

    def clean(self, redact: Callable[[str], str]) -> None:
        """Take secrets out of all that the error says, by ``redact``."""
        self.message = redact(self.message)
        self.args = (self.message,)
        self.param = redact(self.param) if self.param else self.param


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
