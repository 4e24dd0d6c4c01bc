"""What was found, as Markdown; and where it goes in docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measuring import MANY, MANY_STREAMS, Figures, Found, Measure
from bench.processes import ROOT, BenchError
from bench.workloads import PACED, PLAIN, STREAMED, TRANSLATED, TRANSLATED_STREAMS

DOCUMENT = ROOT / "docs" / "performance.md"
LABELS = {
    "upstream": "the upstream alone",
    "bare": "bare proxy (aiohttp)",
    "gateway": "**this gateway**",
    "litellm": "LiteLLM",
    "portkey": "Portkey",
}
MISSING = "-"

PLAIN_MANY = Measure(PLAIN, MANY)
PLAIN_ONE = Measure(PLAIN, 1)
TRANSLATED_MANY = tuple(Measure(each, MANY) for each in TRANSLATED)
STREAMED_MANY = Measure(STREAMED, MANY_STREAMS)
TRANSLATED_STREAMED_MANY = tuple(Measure(each, MANY_STREAMS) for each in TRANSLATED_STREAMS)
FIRST_TEXT = Measure(PACED, 1, first_text=True)
MEASURES = (
    PLAIN_MANY,
    PLAIN_ONE,
    *TRANSLATED_MANY,
    STREAMED_MANY,
    *TRANSLATED_STREAMED_MANY,
    FIRST_TEXT,
)


@dataclass(frozen=True, slots=True)
class Footing:
    """A server beside its figures: seconds to its first answer, and what it then held in memory.

    ``resident`` is in bytes, as it was after ``requests`` requests.
    """

    start_seconds: float
    resident: int
    requests: int


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that was to be reached, and what was."""

    what: str
    goal: str
    found: str
    met: bool


@dataclass(slots=True)
class Comparison:
    """The servers that took part, in order, and all that was found of them."""

    servers: Sequence[str]
    found: Found
    footings: dict[str, Footing] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def figures(self, server: str, measure: Measure) -> Figures | None:
        """None if the server did not do that."""
        return self.found.get((server, measure))

    def ratio(self, server: str, other: str, measure: Measure) -> float | None:
        """How many times the requests per second of ``other``."""
        one, two = self.figures(server, measure), self.figures(other, measure)
        return one.rate / two.rate if one and two else None

    def added(
        self, server: str, measure: Measure, time: Callable[[Figures], float]
    ) -> float | None:
        """Seconds more than the upstream alone takes."""
        one, alone = self.figures(server, measure), self.figures("upstream", measure)
        return time(one) - time(alone) if one and alone else None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [list(head), ["---", *["--:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def rendered(comparison: Comparison) -> str:
    """All tables, with a line before each that says what is in it."""
    parts = [
        f"OpenAI in, OpenAI upstream, answers of 0.8 kB; {MANY} callers at once, or one:",
        _plain(comparison),
        "OpenAI in, another dialect upstream, and streams of 102 events, which the upstream sends "
        f"at once; {MANY} callers, {MANY_STREAMS} streams at once. The first text: what is added "
        "to the time until it comes where the upstream sends the others 20 ms later.",
        _translated(comparison),
    ]
    if comparison.footings:
        parts += ["From the start of the process to its first answer, and memory:"]
        parts += [_footings(comparison)]
    if comparison.goals:
        rows = [(each.what, each.goal, each.found, _yes(each.met)) for each in comparison.goals]
        parts += ["What was to be reached:", table(["", "goal", "found", "met"], rows)]
    if comparison.notes:
        parts += ["\n".join(f"- {note}" for note in comparison.notes)]
    return "\n\n".join(parts)


def _plain(comparison: Comparison) -> str:
    head = [
        "",
        "requests/s",
        "p50, ms",
        "p99, ms",
        "CPU, µs a request",
        "p50 of one, ms",
        "p99 of one, ms",
        "p50 added, ms",
    ]

    def row(server: str) -> list[str]:
        many = comparison.figures(server, PLAIN_MANY)
        one = comparison.figures(server, PLAIN_ONE)
        added = comparison.added(server, PLAIN_ONE, lambda each: each.p50)
        return [
            LABELS[server],
            *((_count(many.rate), _ms(many.p50), _ms(many.p99)) if many else [MISSING] * 3),
            _count(many.cpu_per_request * 1e6) if many and many.cpu_per_request else MISSING,
            *((_ms(one.p50), _ms(one.p99)) if one else [MISSING] * 2),
            MISSING if added is None or server == "upstream" else _ms(added),
        ]

    return table(head, map(row, comparison.servers))


def _translated(comparison: Comparison) -> str:
    head = ["", "to Anthropic/s", "to Google/s", "streams/s"]
    head += ["streams to Anthropic/s", "streams to Google/s", "first text added, ms"]
    columns = (*TRANSLATED_MANY, STREAMED_MANY, *TRANSLATED_STREAMED_MANY)

    def row(server: str) -> list[str]:
        found = [comparison.figures(server, each) for each in columns]
        added = comparison.added(server, FIRST_TEXT, lambda each: each.first_text)
        return [
            LABELS[server],
            *(_count(each.rate) if each else MISSING for each in found),
            MISSING if added is None or server == "upstream" else _ms(added),
        ]

    return table(head, map(row, comparison.servers))


def _footings(comparison: Comparison) -> str:
    rows = [
        (
            LABELS[server],
            f"{footing.start_seconds:.1f}",
            f"{footing.resident / 1e6:.0f}",
            f"{footing.requests:,}",
        )
        for server, footing in comparison.footings.items()
    ]
    return table(["", "start, s", "resident, MB", "after so many requests"], rows)


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}"


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def write(text: str, section: str, document: Path = DOCUMENT) -> None:
    """Put ``text`` between the markers of ``section``, in place of what is there."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before = document.read_text(encoding="utf-8")
    head, found, rest = before.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found or not found_end:
        raise BenchError(f"{document.name} has no lines {begin} and {end}.")
    document.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
