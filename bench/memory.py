"""What a long load leaves behind in the gateway: memory, and rows of the log yet to be stored."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.load import load
from bench.measuring import MANY, note
from bench.processes import BenchError, Cores
from bench.servers import Gateway
from bench.workloads import PLAIN

REQUESTS = 100_000
EARLY_REQUESTS = 10_000
_SECONDS_AT_MOST = 60.0
_SECONDS_OF_A_RUN = 2
_SECONDS_TO_STORE = 120.0


@dataclass(frozen=True, slots=True)
class Soaked:
    """``early`` and ``resident`` are bytes after ``early_requests`` and ``requests``.

    ``waiting``: rows of the log that were not stored yet when the last answer was there;
    ``seconds_to_store``: until they were.
    """

    early_requests: int
    early: int
    requests: int
    resident: int
    waiting: int
    seconds_to_store: float


def soak(gateway: Gateway, on: Cores) -> Soaked:
    """Load until ``REQUESTS`` or for a minute; ``BenchError`` if a row of the log is missing."""
    request = gateway.request(PLAIN)
    assert request is not None
    assert gateway.process is not None
    stored_before = gateway.rows()
    asked = early_requests = early = 0
    begin = time.perf_counter()
    while asked < REQUESTS and time.perf_counter() - begin < _SECONDS_AT_MOST:
        result = load(request, callers=MANY, seconds=_SECONDS_OF_A_RUN, on=on)
        asked += result.requests
        if not early and asked >= EARLY_REQUESTS:
            early_requests, early = asked, gateway.process.resident_bytes()
    note(f"memory after {asked:,} requests", result)
    resident = gateway.process.resident_bytes()
    ended = time.perf_counter()
    waiting = max(asked - (gateway.rows() - stored_before), 0)
    while gateway.rows() - stored_before < asked:
        if time.perf_counter() - ended > _SECONDS_TO_STORE:
            stored = gateway.rows() - stored_before
            raise BenchError(f"{asked - stored} of {asked} requests are not in the log.")
        time.sleep(0.1)
    return Soaked(early_requests, early, asked, resident, waiting, time.perf_counter() - ended)
