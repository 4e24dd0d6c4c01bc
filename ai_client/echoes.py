"""What an upstream said of a failure, without what it repeats of the prompt.

Some servers put the input that they refuse into the message that refuses it. Whoever asked may
read that; the request log, the health of connections and their tiles are for other people's eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import islice
from typing import Final, TypeVar

from ai_client.ask import Ask
from ai_client.errors import (
    AiClientError,
    ContentFiltered,
    ContextTooLong,
    PayloadTooLarge,
    RequestError,
    TooManyParts,
    UpstreamError,
)

MARK: Final = "[prompt]"
"""What stands where some of the prompt was."""

SHORTEST_RUN: Final = 12
"""Bytes of UTF-8: twelve Latin letters, or four Chinese ones. What is shorter are words."""

LONGEST_PROMPT: Final = 100_000
"""Characters. In a longer prompt nothing is looked for, and nothing the upstream said is kept."""

MOST_VALUES: Final = 20_000
"""A prompt of more values than that counts as longer, too."""

_LONGEST_NAME: Final = 40

_Failure = TypeVar("_Failure", bound=AiClientError)

_SEPARATORS = re.compile(r"[\W_]+")
_SIGN = re.compile(r"\\u[0-9a-fA-F]{4}|\\[nrtbf\"'/\\]|&(?:quot|amp|lt|gt|#\w{2,4});|.", re.DOTALL)
_DATA = re.compile(r"data:|[A-Za-z0-9+/_=-]{1000}")
_RUN_OF_DATA = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
_FIELD = re.compile(r"[A-Za-z_][\w.\[\]-]{0,99}")
_REFUSALS: Final[tuple[tuple[type[AiClientError], str], ...]] = (
    (ContextTooLong, "The prompt is too long for this model"),
    (ContentFiltered, "A policy of the upstream refused the prompt"),
    (PayloadTooLarge, "The request is too large for the upstream"),
    (RequestError, "The upstream refused the request as invalid"),
)


def without_echo(error: _Failure, ask: Ask, status: int | None) -> _Failure:
    """The failure as it may be kept; itself where nothing of the prompt is in its message.

    ``status`` is the HTTP status of the upstream where it answered. What is wrong with a request
    is told in words of our own, since an upstream can hardly explain it without quoting.
    """
    if isinstance(error, RequestError) and status is not None:
        return error.with_message(_refusal(error, ask, status))
    if status is None and isinstance(error, UpstreamError | TooManyParts):
        # The upstream has said nothing: the words are ours.
        return error
    prompt = _Prompt(ask)
    message = prompt.taken_out(error.message)
    told = error
    if message != error.message:
        told = error.with_message(message or f"The upstream failed ({_facts(error, status)}).")
    if isinstance(told, UpstreamError) and told.upstream_code:
        code = prompt.taken_out(told.upstream_code)
        if code != told.upstream_code:
            told = told.with_message(told.message)
            told.upstream_code = code
    return told


def _refusal(error: RequestError, ask: Ask, status: int) -> str:
    words = next(words for kind, words in _REFUSALS if isinstance(error, kind))
    facts = _facts(error, status)
    field = error.param or ""
    if _FIELD.fullmatch(field) and _Prompt(ask).taken_out(field) == field:
        facts += f", {field}"
    return f"{words} ({facts})."


def _facts(error: AiClientError, status: int | None) -> str:
    return error.code if status is None else f"{error.code}, HTTP {status}"


class _Prompt:
    """All texts of a prompt, in a form in which they are found however they were quoted."""

    def __init__(self, ask: Ask) -> None:
        texts: list[str] = []
        size = 0
        self._has_data = False
        self._is_too_long = False
        for number, value in enumerate(_values(ask)):
            if size > LONGEST_PROMPT or number > MOST_VALUES:
                self._is_too_long = True
                break
            if not isinstance(value, str):
                continue
            if _DATA.match(value):
                self._has_data = True
            else:
                texts.append(value)
                size += len(value)
        self._is_too_long = self._is_too_long or size > LONGEST_PROMPT
        self._texts = b"" if self._is_too_long else b"\0".join(_looks(texts))

    def taken_out(self, words: str) -> str | None:
        """``words`` without what the prompt has too; None where the prompt is too long to tell."""
        if self._is_too_long:
            return None
        if self._has_data:
            words = _RUN_OF_DATA.sub(MARK, words)
        folded, places = _folded(words)
        kept: list[str] = []
        end = at = 0
        while at + SHORTEST_RUN <= len(folded):
            until = at + SHORTEST_RUN
            if folded[at : at + 1] == b" " or folded[at:until] not in self._texts:
                at += 1
                continue
            while until < len(folded) and folded[at : until + 1] in self._texts:
                until += 1
            kept += (words[end : max(end, places[at][0])], MARK)
            # What stands behind the last word is not the prompt's.
            end = places[until - (2 if folded[until - 1 : until] == b" " else 1)][1]
            at = until
        return "".join((*kept, words[end:]))


def _looks(texts: list[str]) -> Iterator[bytes]:
    for text in texts:
        yield _SEPARATORS.sub(" ", text).casefold().encode(errors="ignore")
        if "\\" in text:
            # JSON inside JSON: an upstream may have read it before it quoted it.
            yield _folded(text)[0]


def _folded(words: str) -> tuple[bytes, list[tuple[int, int]]]:
    """Letters and digits in UTF-8, a blank for all between them; and where each byte came from."""
    folded = bytearray()
    places: list[tuple[int, int]] = []
    for found in _SIGN.finditer(words):
        sign = found[0]
        if len(sign) == 6 and sign[0] == "\\":
            sign = chr(int(sign.removeprefix("\\u"), 16))
        letters = sign.casefold().encode(errors="ignore") if sign.isalnum() else b" "
        if letters == b" " and folded.endswith(b" "):
            continue
        folded += letters
        places += [found.span()] * len(letters)
    return bytes(folded), places


def _values(ask: Ask) -> Iterator[object]:
    """Every value of what was asked but the name of its model; of those the texts count.

    So do the names of members that are too long to be a dialect's own.
    """
    waiting: list[object] = [ask.known]
    if ask.body is not None:
        waiting = [value for name, value in ask.body.items() if name != "model"]
        waiting += _made_up(ask.body)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Enum):
            continue
        yield value
        match value:
            case str():
                pass
            case Mapping() as members:
                waiting += members.values()
                waiting += _made_up(members)
            case list() | tuple() as values:
                waiting += values
            case _ if is_dataclass(value):
                waiting += (getattr(value, each.name) for each in fields(value))


def _made_up(members: Mapping[str, object]) -> Iterator[str]:
    return (name for name in islice(members, MOST_VALUES) if len(name) > _LONGEST_NAME)
