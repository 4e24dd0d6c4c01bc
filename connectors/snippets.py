"""Text to copy from the page: how a program uses a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.http import HttpRequest

from connectors.models import Connection


@dataclass(frozen=True, slots=True)
class Snippet:
    """One text: what it is for, and the text itself. It never holds a key."""

    title: str
    text: str


SnippetSource: TypeAlias = Callable[[HttpRequest, Connection], Sequence[Snippet]]

_sources: dict[str, SnippetSource] = {}


def register_snippets(name: str, source: SnippetSource) -> None:
    """Show what ``source`` returns in each open connection; a second one of a name replaces it."""
    _sources[name] = source


def snippets_for(request: HttpRequest, connection: Connection) -> list[Snippet]:
    """The snippets of all sources, in order of registration."""
    return [
        snippet for source in tuple(_sources.values()) for snippet in source(request, connection)
    ]
