"""What follows when an upstream fails before any content: the next connection, or which error."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.gateway.asking import ECHO, NEXT, ask, asked, assert_safe, health_left
from tests.gateway.failure_table import ROWS, STREAM, Case, every_case, one_dialect_each
from tests.live_site import Site


def failing(site: Site, case: Case, mode: str, settings: Any) -> dict[str, Any]:
    settings.AI_CLIENT = {**settings.AI_CLIENT, **case.row.limits}
    return site.upstream(
        case.dialect, name=f"first-{mode}", failure=case.row.failure, timeout=case.row.timeout
    )


@pytest.mark.parametrize("case", every_case(), ids=str)
def test_whether_the_next_connection_is_asked(
    shared_site: Site, sdk: openai.OpenAI, settings: Any, case: Case
) -> None:
    site, second = shared_site, shared_site.upstream(NEXT[case.dialect], name="second")
    for mode in case.modes:
        ending = case.ending(mode)
        site.simulator.clear()
        site.connect(failing(site, case, mode, settings), second)
        if ending.falls_back:
            answer = ask(sdk, mode)
            assert answer.text == ECHO
            assert (answer.attempts, answer.connection) == ("2", "second")
        else:
            with pytest.raises(openai.APIStatusError) as caught:
                ask(sdk, mode)
            assert caught.value.status_code == ending.status
            assert "" not in asked(site), "the second connection was asked"

        row = site.rows()[-1]
        expected = [f"first-{mode}", "second"] if ending.falls_back else [f"first-{mode}"]
        assert [each["connection"] for each in row.attempts] == expected
        assert row.attempts[0]["class"] == ending.code
        assert row.outcome == ("success" if ending.falls_back else "error")
        assert health_left(f"first-{mode}") == ending.health


@pytest.mark.parametrize("case", one_dialect_each(), ids=str)
def test_what_the_caller_gets_when_nothing_else_is_left(
    shared_site: Site, sdk: openai.OpenAI, settings: Any, case: Case
) -> None:
    for mode in case.modes:
        ending = case.ending(mode)
        shared_site.connect(failing(shared_site, case, mode, settings))
        with pytest.raises(openai.APIStatusError) as caught:
            ask(sdk, mode)

        error, headers = caught.value, caught.value.response.headers
        assert type(error) is ending.raises
        assert (error.status_code, error.code) == (ending.status, ending.code)
        assert headers.get("x-should-retry") == (None if ending.cured else "false")
        wait = headers.get("retry-after")
        if ending.wait is None:
            assert wait is None
        else:
            assert wait is not None
            assert ending.wait[0] <= int(wait) <= ending.wait[1]
        assert isinstance(error.body, dict)
        assert error.body["message"]
        assert_safe(error.response.text)
        row = shared_site.rows()[-1]
        assert headers["x-request-id"] == row.request_id
        assert headers["x-koneek-attempts"] == "1"
        assert (row.outcome, row.error_code, row.status) == ("error", ending.code, ending.status)
        assert row.stream is (mode == STREAM)


def test_the_table_has_every_row_that_fails_before_content_on_this_path() -> None:
    elsewhere = {1, 2, 3, 4, 5, 14, 26, 28, 32, 34, 35, 37, 39}
    assert {row.number for row in ROWS} == set(range(1, 41)) - elsewhere
