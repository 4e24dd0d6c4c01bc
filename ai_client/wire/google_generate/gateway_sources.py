"""What an answer rests on, for callers of this dialect.

Web pages are told as Google tells those of its own search, in ``groundingMetadata``:
https://ai.google.dev/api/generate-content#GroundingMetadata. What Google's model recited, which has
no title, is ``citationMetadata``. Google counts positions in bytes, others in characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ai_client.messages import JsonValue


class Sources:
    """The sources of one candidate, from all of its texts."""

    def __init__(self) -> None:
        self._recited: list[JsonValue] = []
        self._pages: list[JsonValue] = []
        self._passages: list[JsonValue] = []

    def add(self, citations: Iterable[JsonValue], text: str, part: int) -> None:
        """Adds the citations of a text, the candidate's ``part``-th part.

        Those of other things than web pages cannot be said in this dialect.
        """
        for citation in citations:
            if not isinstance(citation, Mapping):
                continue
            inner = citation.get("url_citation")
            if isinstance(inner, Mapping):
                citation = inner
            if "uri" in citation:
                self._googles(citation)
            elif isinstance(citation.get("url"), str):
                self._page(citation["url"], citation.get("title"), _passage(citation, text, part))

    def render(self) -> dict[str, JsonValue]:
        """The fields of a candidate."""
        rendered: dict[str, JsonValue] = {}
        if self._recited:
            rendered["citationMetadata"] = {"citationSources": self._recited}
        if self._pages:
            grounding: dict[str, JsonValue] = {"groundingChunks": self._pages}
            if self._passages:
                grounding["groundingSupports"] = self._passages
            rendered["groundingMetadata"] = grounding
        return rendered

    def _googles(self, citation: Mapping[str, JsonValue]) -> None:
        if "title" not in citation:
            self._recited.append(dict(citation))
            return
        segment = {key: value for key, value in citation.items() if key not in ("uri", "title")}
        self._page(citation["uri"], citation["title"], segment)

    def _page(self, uri: JsonValue, title: JsonValue, segment: dict[str, JsonValue]) -> None:
        page = {"web": {"uri": uri, "title": title if isinstance(title, str) else ""}}
        if page not in self._pages:
            self._pages.append(page)
        if segment:
            indices: list[JsonValue] = [self._pages.index(page)]
            self._passages.append({"segment": segment, "groundingChunkIndices": indices})


def _passage(citation: Mapping[str, JsonValue], text: str, part: int) -> dict[str, JsonValue]:
    """The words that a page supports; all of the text where the citation does not say."""
    start, end = citation.get("start_index"), citation.get("end_index")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        start, end = 0, len(text)
    if not text:
        return {}
    return {
        "partIndex": part,
        "startIndex": _size(text[:start]),
        "endIndex": _size(text[:end]),
        "text": text[start:end],
    }


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
