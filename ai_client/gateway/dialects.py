"""In which dialect a caller is answered where the path does not say it: pure.

All vendors list their models at one path, and what nobody serves may be anybody's. Anthropic's
callers name its version, and Google's send a key or a name in a header of Google's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ai_client.gateway.endpoints import Endpoint, Found, Kind

_OPENAI = "openai_chat"
_ANTHROPIC = "anthropic_messages"
_GOOGLE = "google_generate"
_DIALECTS = {
    b"anthropic-version": _ANTHROPIC,
    b"x-goog-api-key": _GOOGLE,
    b"x-goog-api-client": _GOOGLE,
}
_GOOGLES_PATH = "/v1beta/"


def spoken(found: Found, headers: Iterable[tuple[bytes, bytes]]) -> Found:
    """What was found, in the dialect of who asks."""
    endpoint = found.endpoint
    if endpoint.kind not in (Kind.MODELS, Kind.MODEL) or endpoint.dialect != _OPENAI:
        return found
    for name, _ in headers:
        dialect = _DIALECTS.get(name.lower())
        if dialect is not None:
            return replace(found, endpoint=replace(endpoint, dialect=dialect))
    return found


def unknown(path: str, headers: Iterable[tuple[bytes, bytes]]) -> Found:
    """Stands for a path that is not served; ``path`` is below the address of the gateway."""
    names = [name.lower() for name, _ in headers]
    told = [_DIALECTS[name] for name in names if name in _DIALECTS]
    if path.startswith(_GOOGLES_PATH):
        dialect = _GOOGLE
    elif told:
        dialect = told[0]
    else:
        # The key alone says it where nothing else does: only Anthropic's SDKs put it there.
        dialect = _ANTHROPIC if b"x-api-key" in names else _OPENAI
    return Found(Endpoint(path, dialect, method=""))
