"""What is remembered of one request: plain values, and their one-line JSON for the spool.

No prompt and no answer is in them. Times are in milliseconds unless they say otherwise. They have
no slots, because orjson writes what has a ``__dict__`` in half the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

import orjson

from ai_client.messages import JsonValue, TokenUsage
from ai_client.values import value

OK = "ok"
"""The class of an attempt that answered."""

GIVEN_UP = "given_up"
"""The class of an attempt that was ended from our side: its caller left, or the gateway failed."""


class Outcome(StrEnum):
    """How a request ended, seen from its caller.

    REFUSED: turned away before any connection was asked (a bad key, a malformed body).
    """

    SUCCESS = "success"
    ERROR = "error"
    CLIENT_CLOSED = "client_closed"
    REFUSED = "refused"


class MalformedRecord(ValueError):
    """A line that is not a complete record."""


@value(frozen=True, slots=False)
class AttemptRecord:
    """One connection that was asked.

    ``code`` is ``OK``, ``GIVEN_UP`` or the error's code, ``error`` the error's class name,
    ``status`` the HTTP status of the upstream where it answered, ``message`` the error's message,
    safe to show and without what an upstream repeated of the prompt.
    """

    connection: str
    model: str
    code: str
    ms: float
    error: str = ""
    status: int | None = None
    message: str = ""
    connection_id: str = ""

    def to_dict(self) -> dict[str, JsonValue]:
        """The shape in which an attempt is stored and shown: ``code`` is called ``class``."""
        return {
            "connection": self.connection,
            "model": self.model,
            "class": self.code,
            "error": self.error,
            "status": self.status,
            "ms": self.ms,
            "message": self.message,
        }

    def cleaned(self, redact: Callable[[str], str]) -> AttemptRecord:
        """The attempt with ``redact`` applied to its model and message."""
        model, message = redact(self.model), redact(self.message) if self.message else ""
        if (model, message) == (self.model, self.message):
            return self
        return replace(self, model=model, message=message)


@value(frozen=True, slots=False)
class RequestRecord:
    """One request, complete.

    ``request_id`` is unique and made here, never taken from the caller: a second record of the
    same id counts as the same record. ``created`` is when the request began, in Unix seconds.
    ``connection`` and ``connection_id`` are those that answered, as text, so that history
    outlives them. ``price_id`` is the provider's id in the price list. ``status`` is what the
    caller got; ``first_event_ms`` and ``total_ms`` count from ``created``.
    """

    request_id: str
    created: float
    dialect: str
    outcome: Outcome
    total_ms: float = 0.0
    gateway_key_id: int | None = None
    gateway_key_name: str = ""
    caller: str = ""
    requested_model: str = ""
    stream: bool = False
    connection: str = ""
    connection_id: str = ""
    provider: str = ""
    price_id: str | None = None
    model: str = ""
    attempts: tuple[AttemptRecord, ...] = ()
    usage: TokenUsage | None = None
    first_event_ms: float | None = None
    error_code: str = ""
    status: int | None = None
    finish_reason: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """One line of JSON without its line end. Text that is not Unicode is replaced."""
        try:
            return orjson.dumps(self)
        except TypeError:
            # orjson refuses lone surrogates and integers over 64 bits.
            return orjson.dumps(_plain(asdict(self)))

    @classmethod
    def from_json(cls, line: bytes | str) -> RequestRecord:
        """The record in a line; ``MalformedRecord`` if it is cut or is something else.

        Unknown members are ignored and missing ones take their default, so that two versions of
        this package can share a spool.
        """
        try:
            data = orjson.loads(line)
        except ValueError as error:
            raise MalformedRecord("The line is not JSON.") from error
        if not isinstance(data, dict):
            raise MalformedRecord("The line is not a JSON object.")
        try:
            if not isinstance(data["request_id"], str):
                raise TypeError("The request id is no text.")
            data["created"] = float(data["created"])
            data["outcome"] = _OUTCOMES[data["outcome"]]
            attempts = data.get("attempts") or ()
            data["attempts"] = tuple([_made(AttemptRecord, attempt) for attempt in attempts])
            usage = data.get("usage")
            data["usage"] = None if usage is None else _made(TokenUsage, usage)
            data["warnings"] = tuple(data.get("warnings") or ())
            return _made(cls, data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedRecord("The line is not a request record.") from error

    def texts(self) -> list[str]:
        """The texts in it that a caller or upstream chose."""
        texts = [self.requested_model, self.model, *self.warnings]
        for attempt in self.attempts:
            texts += (attempt.model, attempt.message) if attempt.message else (attempt.model,)
        return texts

    def cleaned(self, redact: Callable[[str], str]) -> RequestRecord:
        """The record with ``redact`` applied to every text that a caller or upstream chose."""
        requested = redact(self.requested_model)
        model = redact(self.model)
        attempts = tuple([attempt.cleaned(redact) for attempt in self.attempts])
        warnings = tuple([redact(warning) for warning in self.warnings])
        cleaned = (requested, model, attempts, warnings)
        if cleaned == (self.requested_model, self.model, self.attempts, self.warnings):
            return self
        return replace(
            self, requested_model=requested, model=model, attempts=attempts, warnings=warnings
        )


_BIGGEST = (1 << 63) - 1
_OUTCOMES = {each.value: each for each in Outcome}
_Kind = TypeVar("_Kind", AttemptRecord, RequestRecord, TokenUsage)


def _members(kind: type[AttemptRecord | RequestRecord | TokenUsage]) -> _Members:
    names = [each.name for each in fields(kind)]
    return frozenset(names), itemgetter(*names)


_Members: TypeAlias = tuple[frozenset[str], Callable[[dict[str, Any]], tuple[Any, ...]]]
_MEMBERS = {kind: _members(kind) for kind in (AttemptRecord, RequestRecord, TokenUsage)}


def _plain(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case bool() | float() | None:
            return value
        case int():
            return max(min(value, _BIGGEST), -_BIGGEST)
        case dict():
            return {_plain(name): _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case _:
            return _plain(str(value))


def _made(kind: type[_Kind], data: dict[str, Any]) -> _Kind:
    """A record of ``data``, without members that this version does not know."""
    names, values = _MEMBERS[kind]
    try:
        # By their places, which is much sooner done than by their names.
        return kind(*values(data))
    except KeyError:
        return kind(**{name: value for name, value in data.items() if name in names})
