"""Secrets taken out of text: by value, by the name they stand beside, and by their shape.

By value is the certain one: the values of all stored keys are fed to ``REDACTOR``, which then
removes them wherever they turn up, in their usual encodings too. Names and shapes catch what
nobody has told us of, a caller's own key in an upstream's error message say.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
"""What stands where a secret was."""

SHORTEST_SECRET = 8
"""Known values below this many characters are left alone: they are words, not secrets."""

# The names of models come again with every request; what was found clean is not looked through
# twice. Only clean texts are kept, so that no secret stays in memory.
_LONGEST_NAME = 80
_MOST_NAMES = 1000

_ROUNDS = 4

_NAMES = (
    r"(?:proxy[-_])?authorization|(?:set[-_])?cookie|api[-_ ]?key|"
    r"pass(?:word|wd|phrase)|credentials?|private[-_]key|"
    r"secret(?:[-_](?:access[-_])?key)?|(?<![A-Za-z])token|session[-_]?id"
)
_NAME = re.compile(rf"(?:{_NAMES})\Z", re.IGNORECASE)

# name: value, name=value, "name": "value", ('name', 'value'), headers["name"] = "value"
_NAMED = re.compile(
    rf"""(?P<name>(?:{_NAMES})\\?["']?\]?\s*(?:[:=]|,(?=\s*b?["']))\s*)
    (?:
        b?"(?:[^"\\\n]|\\.)*"? | b?'(?:[^'\\\n]|\\.)*'? | \\"[^"\\\n]*(?:\\")?
      | (?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s"',;&<>(){{}}\[\]]+
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# Looking for these first is many times cheaper than the expressions, and most text has none.
_NAME_HINTS = ("auth", "cookie", "key", "pass", "cred", "secret", "token", "session")
_QUERY = re.compile(r"([?&](?:key|sig|signature|code)=)[^&\s\"'#<>]+", re.IGNORECASE)
_SHAPED = re.compile(
    r"""
    (?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))(?:
        sk-[A-Za-z0-9_-]{8,}            # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-)
      | AIza[A-Za-z0-9_-]{16,}          # Google
      | AQ\.[A-Za-z0-9_-]{16,}          # Google, newer keys
      | gsk_[A-Za-z0-9_-]{8,}           # Groq
      | nvapi-[A-Za-z0-9_-]{8,}         # NVIDIA
      | csk-[A-Za-z0-9_-]{8,}           # Cerebras
      | xai-[A-Za-z0-9_-]{8,}           # xAI
      | hf_[A-Za-z0-9_-]{8,}            # Hugging Face
      | kn_[A-Za-z0-9_-]{12,}           # gateway keys; their prefix alone may be shown
    )
    | (?<![A-Za-z])(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}
    """,
    re.VERBOSE,
)
_SHAPE_HINTS = (
    "sk-", "aiza", "aq.", "gsk_", "nvapi-", "xai-", "hf_", "kn_", "bearer", "basic",
)  # fmt: skip


class Redactor:
    """Takes secrets out of text. Safe to use from many threads; values are swapped as a whole."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._found_clean: set[str] = set()
        self.set_known(values)

    def __repr__(self) -> str:
        return f"<Redactor: {len(self._forms)} forms>"

    def set_known(self, values: Iterable[str]) -> None:
        """Replace the secrets known by value. Those under ``SHORTEST_SECRET`` are left out."""
        forms = {form for value in values for form in _forms(value) if form not in MARK}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        # After the forms: what a thread finds clean by the old ones it adds to the old set.
        self._found_clean = set()

    def redact(self, text: str) -> str:
        """``text`` with ``MARK`` in place of every secret."""
        found_clean = self._found_clean
        if not text or text in found_clean:
            return text
        known_gone = _without_known(text, self._forms)
        clean = known_gone
        lowered = clean.lower()
        if any(map(lowered.__contains__, _NAME_HINTS)):
            clean = _NAMED.sub(rf"\g<name>{MARK}", clean)
        if "=" in clean:
            clean = _QUERY.sub(rf"\g<1>{MARK}", clean)
        if any(map(lowered.__contains__, _SHAPE_HINTS)):
            clean = _SHAPED.sub(MARK, clean)
        if clean != known_gone:
            return _without_known(clean, self._forms)
        if clean == text and len(text) <= _LONGEST_NAME:
            if len(found_clean) >= _MOST_NAMES:
                found_clean.clear()
            found_clean.add(text)
        return clean

    def knows_clean(self, texts: Iterable[str]) -> bool:
        """Whether all of them have been found without a secret; False where it has to look."""
        return self._found_clean.issuperset(texts)

    def redact_known(self, text: str) -> str:
        """``text`` without the secrets known by value; names and shapes stay as they are."""
        return _without_known(text, self._forms)

    def redact_mapping(self, value: Any, _depth: int = 0) -> Any:
        """A copy of nested mappings and sequences with their texts redacted.

        What stands under a sensitive name is replaced whatever it looks like, unless it is a
        number, a boolean or None. Objects of other kinds are returned as they are.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, bytes | bytearray):
            return self.redact(bytes(value).decode("utf-8", "backslashreplace")).encode()
        if _depth >= 32:
            return MARK
        if isinstance(value, Mapping):
            return {
                self.redact(key) if isinstance(key, str) else key: (
                    MARK
                    if isinstance(key, str) and _is_sensitive(key) and not _is_plain(member)
                    else self.redact_mapping(member, _depth + 1)
                )
                for key, member in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            members = [self.redact_mapping(member, _depth + 1) for member in value]
            return members if isinstance(value, list) else tuple(members)
        return value


def hide(text: str, secret: str) -> str:
    """``text`` without ``secret`` in all its usual encodings."""
    return Redactor((secret,)).redact_known(text)


REDACTOR = Redactor()
"""The process's redactor. Whoever loads the configuration feeds it the values of all keys."""


class RedactingFilter(logging.Filter):
    """Redacts log records on a handler: message, arguments, traceback, stack and extras.

    Frames are dropped with the exception object, since their variables hold what their text does
    not show; the redacted traceback stays. Records are changed in place: a handler that comes
    later gets the redacted one as well.
    """

    def __init__(self, name: str = "", redactor: Redactor = REDACTOR) -> None:
        super().__init__(name)
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact ``record``; True unless the logger's name excludes it."""
        if not super().filter(record):
            return False
        redact = self._redactor.redact
        self._redact_message(record)
        if record.exc_info:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name, value in vars(record).items():
            if name not in _RECORD_ATTRIBUTES and value is not None:
                hidden = _is_sensitive(name) and not _is_plain(value)
                record.__dict__[name] = MARK if hidden else self._redactor.redact_mapping(value)
        return True

    def _redact_message(self, record: logging.LogRecord) -> None:
        redact = self._redactor.redact
        try:
            whole = redact(record.getMessage())
            # Some formatters (uvicorn's for its access log) want the arguments one by one.
            args = self._redactor.redact_mapping(record.args)
            text = str(record.msg) % args if args else str(record.msg)
        except Exception:
            # Logging itself would print the message and its arguments to stderr as they are.
            record.msg, record.args = redact(f"{record.msg} {record.args!r}"), None
            return
        if redact(text) == text:
            record.args = args
        else:
            record.msg, record.args = whole, None


_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _without_known(text: str, forms: tuple[str, ...]) -> str:
    for _ in range(_ROUNDS):
        before = text
        for form in forms:
            if form in text:
                text = text.replace(form, MARK)
        if text == before:
            return text
    # A value that keeps coming back is made of the mark and of what stands around it.
    return MARK if any(form in text for form in forms) else text


def _is_sensitive(name: str) -> bool:
    return _NAME.search(name) is not None


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _forms(value: str) -> Iterator[str]:
    """The secret and its usual encodings."""
    if len(value) < SHORTEST_SECRET:
        return
    for form in (
        value,
        quote(value, safe="", errors=_ERRORS),
        quote(value, errors=_ERRORS),
        quote_plus(value, errors=_ERRORS),
    ):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield html.escape(value)
    # Inside a longer base64 text a value has three looks, one for each way it can be aligned.
    data = value.encode("utf-8", _ERRORS)
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).rstrip(b"=").decode()
        first = (0, 2, 3)[shift]
        last = len(whole) - 1 if (shift + len(data)) % 3 else len(whole)
        inner = whole[first:last]
        if len(inner) >= SHORTEST_SECRET:
            yield inner
            yield inner.translate(_URLSAFE)


_ERRORS = "surrogatepass"
_URLSAFE = str.maketrans("+/", "-_")
