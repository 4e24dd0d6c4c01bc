"""Each client against each upstream gets what docs/compatibility.md says."""

from __future__ import annotations

import os
from itertools import product
from typing import Any

import pytest

from ai_client.simulator.azure import AzureSimulator
from tests.gateway.google_callers import ALLOWED
from tests.live_site import Site
from tests.sdk_matrix import report
from tests.sdk_matrix.clients import CLIENTS
from tests.sdk_matrix.clients.client import MODES, Client
from tests.sdk_matrix.scenarios import NEEDS, SCENARIOS, Bench
from tests.sdk_matrix.upstreams import UPSTREAMS, Upstream

pytestmark = ALLOWED
CELLS = list(product(CLIENTS, UPSTREAMS))
WRITE = "WRITE_COMPATIBILITY"
"""The variable with which the run writes the document instead of comparing with it."""


@pytest.fixture(scope="module")
def matrix() -> dict[tuple[str, str, str], str]:
    """What the run finds."""
    return {}


@pytest.mark.parametrize(
    ("client", "upstream"), CELLS, ids=[f"{one.__name__}-{other.label}" for one, other in CELLS]
)
def test_a_client_gets_over_an_upstream_what_the_document_says(
    site: Site,
    azure: AzureSimulator,
    matrix: dict[tuple[str, str, str], str],
    client: type[Client],
    upstream: Upstream,
) -> None:
    found: dict[tuple[str, str, str], str] = {}
    failures = []
    for mode in MODES:
        with client(site, mode) as opened:
            other = next(each for each in UPSTREAMS[2:] if each is not upstream)
            bench = Bench(opened, upstream, other, site, azure)
            for name in SCENARIOS:
                try:
                    cell = _outcome(bench, name)
                    assert found.setdefault((client.name, upstream.name, name), cell) == cell
                except Exception as failure:
                    failure.add_note(f"{name}, {mode}, {client.name} over {upstream.name}")
                    failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{client.name} over {upstream.name}", failures)
    matrix.update(found)
    if os.environ.get(WRITE) != "1":
        told = report.read(report.DOCUMENT.read_text(encoding="utf-8"))
        assert found == {place: told[place] for place in found}, "make compatibility writes it."


def test_the_document_is_what_a_run_writes(matrix: dict[tuple[str, str, str], str]) -> None:
    if os.environ.get(WRITE) == "1":
        assert len(matrix) == len(CELLS) * len(SCENARIOS), "Nothing is written of a part."
        report.DOCUMENT.write_text(report.render(matrix), encoding="utf-8")
    text = report.DOCUMENT.read_text(encoding="utf-8")
    written = report.render(report.read(text))
    assert report.without_versions(written) == report.without_versions(text)


def _outcome(bench: Bench, name: str) -> str:
    """``yes``, or the reason with which the gateway refused before it sent anything."""
    if NEEDS.get(SCENARIOS[name], "") in bench.client.lacks:
        return report.NOTHING
    try:
        limit = SCENARIOS[name](bench)
    except Exception as error:
        reason = _refusal(error)
        if reason is None or bench.sent() or bench.client.status(error) != 400:
            raise
        return f"refused: {reason}"
    return limit or report.YES


def _refusal(error: Any) -> str | None:
    """The message of a refusal of ours, in whichever dialect it came."""
    body = getattr(error, "details", None) or getattr(error, "body", None) or {}
    if not isinstance(body, dict):
        body = error.body
    told = body.get("error", body)
    details = told.get("details") or {}
    known = [details] if isinstance(details, dict) else details
    codes = [told.get("code"), *(each.get("error_code") or each.get("reason") for each in known)]
    if "unsupported_feature" in codes or "UNSUPPORTED_FEATURE" in codes:
        return str(told["message"])
    return None
