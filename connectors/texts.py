"""Marks texts for people in modules that know nothing of Django.

``gettext`` is found by makemessages like Django's own. It translates once the app has started;
before that, and in a process without Django, texts stay as they are written.
"""

from __future__ import annotations

from collections.abc import Callable

_translate: Callable[[str], str] = str


def gettext(text: str) -> str:
    """The text in the language of whoever is served now."""
    return _translate(text)


def translate_with(translate: Callable[[str], str]) -> None:
    """From now on ``translate`` finds the texts of the active language."""
    global _translate
    _translate = translate
