"""What is asked: always OpenAI's chat completions, of upstreams that speak three dialects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.canned import Dialect, question
from bench.load import Request

Kind = Literal["plain", "streamed", "paced", "held"]
PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Workload:
    """The upstream's dialect, and how it answers; see ``bench.upstream``."""

    dialect: Dialect
    kind: Kind

    @property
    def name(self) -> str:
        """As connections and models are called that lead to it."""
        return f"{self.dialect}-{self.kind}"

    @property
    def stream(self) -> bool:
        """Whether a stream is asked for."""
        return self.kind != "plain"

    def request(self, url: str, model: str, headers: dict[str, str] | None = None) -> Request:
        """The question, asked at ``url``."""
        return Request(url, question(model, stream=self.stream), headers or {})


PLAIN = Workload("openai", "plain")
STREAMED = Workload("openai", "streamed")
PACED = Workload("openai", "paced")
HELD = Workload("openai", "held")
TRANSLATED = (Workload("anthropic", "plain"), Workload("google", "plain"))
TRANSLATED_STREAMS = (Workload("anthropic", "streamed"), Workload("google", "streamed"))
ALL = (
    PLAIN,
    *TRANSLATED,
    STREAMED,
    *TRANSLATED_STREAMS,
    PACED,
)
"""What is measured; held streams are asked for otherwise."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Origins of the upstreams: ``fast`` for what is there at once, ``paced`` for what takes time.

    The first of ``paced`` answers the paced streams, all of them the held ones.
    """

    fast: str
    paced: tuple[str, ...]

    def base(self, workload: Workload) -> str:
        """What to put before the path of the upstream's dialect."""
        at = self.fast if workload.kind in ("plain", "streamed") else self.paced[0]
        return f"{at}/{workload.dialect}/{workload.kind}"
