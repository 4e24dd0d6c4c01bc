"""What failures leave behind: between the attempts of a request, and between requests."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import httpx
import openai
import pytest

from connectors.services import update_connection
from tests.gateway.asking import ECHO, HELLO, ask, asked, connection, standing
from tests.gateway.failure_table import MODES, PLAIN, STREAM
from tests.live_site import Site

MODE = pytest.mark.parametrize("mode", MODES)


def failing(site: Site, *failures: str, **more: Any) -> list[dict[str, Any]]:
    """Connections that fail so, named ``0-failure``, ``1-failure``…"""
    return [
        site.upstream(
            "openai_chat", name=f"{place}-{failure.partition('@')[0]}", failure=failure, **more
        )
        for place, failure in enumerate(failures)
    ]


def refused(sdk: openai.OpenAI, mode: str = PLAIN) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(sdk, mode)
    return caught.value


@MODE
def test_at_most_four_connections_are_asked(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    works = shared_site.upstream("openai_chat", name="fifth")
    shared_site.connect(*failing(shared_site, *["status-500"] * 4), works)
    error = refused(sdk, mode)
    assert (error.status_code, error.response.headers["x-koneek-attempts"]) == (502, "4")
    assert asked(shared_site) == ["status-500"] * 4
    assert shared_site.row().attempt_count == 4


@MODE
def test_the_total_time_bounds_all_attempts_together(
    shared_site: Site, sdk: openai.OpenAI, settings: Any, mode: str
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "DEADLINE": 0.6}
    works = shared_site.upstream("openai_chat", name="third")
    shared_site.connect(
        *failing(shared_site, "hang", timeout=0.2),
        *failing(shared_site, "hang-after-headers"),
        works,
    )
    error = refused(sdk, mode)
    assert (error.status_code, error.code) == (504, "deadline_exceeded")
    row = shared_site.row()
    assert [each["class"] for each in row.attempts] == ["upstream_timeout", "deadline_exceeded"]
    assert "" not in asked(shared_site), "the third connection was asked"


def test_a_failed_attempt_that_may_be_billed_is_noted(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(
        *failing(shared_site, "hang", timeout=0.2), shared_site.upstream("google_generate")
    )
    ask(sdk, PLAIN)
    (warning,) = shared_site.row().warnings
    assert warning.startswith("double_charge: 0-hang ")


def test_the_sdk_does_not_repeat_what_no_repetition_cures(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(*failing(shared_site, "status-401", "quota", "status-404"))
    eager = sdk.with_options(max_retries=2)
    for mode in MODES:
        error = refused(eager, mode)
        assert error.response.headers["x-should-retry"] == "false"
    assert len(shared_site.rows()) == len(MODES)


@pytest.mark.parametrize("failures", list(permutations(["status-401", "status-500", "quota"])))
def test_one_failure_that_a_repetition_may_cure_leaves_the_sdk_its_choice(
    shared_site: Site, sdk: openai.OpenAI, failures: tuple[str, ...]
) -> None:
    shared_site.connect(*failing(shared_site, *failures))
    assert "x-should-retry" not in refused(sdk).response.headers


def test_the_sdk_repeats_what_a_repetition_cures(shared_site: Site, sdk: openai.OpenAI) -> None:
    shared_site.connect(*failing(shared_site, "status-500@1"))
    answer = ask(sdk.with_options(max_retries=1), PLAIN)
    assert answer.text == ECHO
    assert [row.outcome for row in shared_site.rows()] == ["error", "success"]


@MODE
def test_the_smallest_remaining_wait_is_told_at_once_and_later(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    failures = ("rate-limit-300", "status-401", "rate-limit-200", "rate-limit-250")
    shared_site.connect(*failing(shared_site, *failures))
    error = refused(sdk, mode)
    assert (error.status_code, error.response.headers["retry-after"]) == (429, "200")

    shared_site.simulator.clear()
    later = refused(sdk, mode)
    assert (later.status_code, later.code) == (429, "rate_limited")
    assert 150 < int(later.response.headers["retry-after"]) <= 200
    assert later.response.headers["x-koneek-attempts"] == "0"
    assert asked(shared_site) == []
    assert shared_site.rows()[-1].attempts == []


@pytest.mark.parametrize("failure", ["rate-limit", "overloaded-60", "quota", "status-401"])
@MODE
def test_a_connection_that_is_cooling_or_off_is_not_asked_again(
    shared_site: Site, sdk: openai.OpenAI, failure: str, mode: str
) -> None:
    shared_site.connect(*failing(shared_site, failure), shared_site.upstream("google_generate"))
    for _ in range(3):
        assert ask(sdk, mode).text == ECHO
    assert asked(shared_site) == [failure, "", "", ""]
    assert [row.attempt_count for row in shared_site.rows()] == [2, 1, 1]


@pytest.mark.parametrize("failure", ["status-401@1", "status-404@1", "redirect@1"])
def test_off_until_edited_means_until_that_very_connection_is_edited(
    shared_site: Site, sdk: openai.OpenAI, failure: str
) -> None:
    off, other = failing(shared_site, failure)[0], shared_site.upstream("google_generate")
    shared_site.connect(off | {"name": "off"}, other | {"name": "other"})
    assert ask(sdk, PLAIN).connection == "other"
    update_connection(connection("other").id, timeout=12)
    assert ask(sdk, PLAIN).connection == "other"
    assert asked(shared_site) == [failure, "", ""]

    update_connection(connection("off").id, api_key="sk-another-key-0123456789")
    assert ask(sdk, PLAIN).connection == "off"
    assert shared_site.rows()[-1].attempt_count == 1


def test_an_edit_that_changes_nothing_brings_nothing_back(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(*failing(shared_site, "status-401@1"))
    refused(sdk)
    unchanged = connection("0-status-401")
    update_connection(unchanged.id, timeout=unchanged.timeout)
    assert refused(sdk).code == "upstream_auth"
    assert asked(shared_site) == ["status-401@1"]


def test_a_missing_model_leaves_the_connections_other_models_alone(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    first = shared_site.upstream("openai_chat", name="first") | {"model": "fail-status-404--gone"}
    shared_site.connect(first, shared_site.upstream("google_generate", name="second"))
    assert [ask(sdk, PLAIN).connection for _ in range(2)] == ["second", "second"]
    assert asked(shared_site) == ["status-404", "", ""]
    assert ask(sdk, PLAIN, model="first/gpt-simulated").connection == "first"


def test_everything_off_is_told_without_asking_anybody(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(*failing(shared_site, "status-401"))
    refused(sdk)
    shared_site.simulator.clear()
    for mode in MODES:
        error = refused(sdk, mode)
        assert (error.status_code, error.code) == (502, "upstream_auth")
        assert error.response.headers["x-should-retry"] == "false"
    assert asked(shared_site) == []


def test_a_connection_that_fails_five_times_in_a_row_is_left_alone(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(
        *failing(shared_site, "status-500"), shared_site.upstream("google_generate")
    )
    for _ in range(7):
        assert ask(sdk, PLAIN).text == ECHO
    assert asked(shared_site).count("status-500") == 5


def test_where_everything_looks_broken_somebody_is_asked_all_the_same(
    shared_site: Site, sdk: openai.OpenAI
) -> None:
    shared_site.connect(*failing(shared_site, "status-500@6"))
    for _ in range(6):
        refused(sdk)
    assert standing("0-status-500").value == "open"
    assert ask(sdk, PLAIN).text == ECHO


@pytest.mark.parametrize(
    ("first", "second", "falls_back"),
    [
        (("openai_chat", "gpt-4o-mini"), ("google_generate", "gemini-2.5-flash"), True),
        (("google_generate", "gemini-2.5-flash"), ("openai_chat", "gpt-4o-mini"), False),
        (("openai_chat", "gpt-4o-mini"), ("anthropic_messages", "of-unknown-size"), False),
    ],
)
@MODE
def test_a_prompt_too_long_goes_only_to_a_model_with_more_context(
    shared_site: Site,
    sdk: openai.OpenAI,
    first: tuple[str, str],
    second: tuple[str, str],
    falls_back: bool,
    mode: str,
) -> None:
    shared_site.connect(
        shared_site.upstream(first[0], name="first", failure="context") | {"model": first[1]},
        shared_site.upstream(second[0], name="second") | {"model": second[1]},
    )
    if falls_back:
        assert ask(sdk, mode).connection == "second"
    else:
        error = refused(sdk, mode)
        assert (error.status_code, error.code) == (400, "context_length_exceeded")
        assert error.response.headers["x-should-retry"] == "false"
        assert asked(shared_site) == ["context"]
    assert standing("first").value == "ready"


def test_a_slow_start_is_bridged_by_comments_and_still_falls_back(
    shared_site: Site, sdk: openai.OpenAI, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "KEEP_ALIVE_AFTER": 0.1}
    shared_site.connect(
        *failing(shared_site, "hang", timeout=0.6),
        shared_site.upstream("anthropic_messages", name="second"),
    )
    assert ask(sdk, STREAM).text == ECHO
    raw = streamed(shared_site)
    assert raw.startswith(b": keep-alive\n\n: keep-alive\n\n")
    assert raw.rstrip().endswith(b"data: [DONE]")
    for row in shared_site.rows():
        assert (row.outcome, row.connection, row.attempt_count) == ("success", "second", 2)


def test_a_slow_start_that_ends_in_failure_is_an_error_for_the_sdk(
    shared_site: Site, sdk: openai.OpenAI, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "KEEP_ALIVE_AFTER": 0.1}
    shared_site.connect(*failing(shared_site, "hang", timeout=0.4))
    with pytest.raises(openai.APIError) as caught:
        ask(sdk, STREAM)
    assert caught.value.code == "upstream_timeout"
    raw = streamed(shared_site)
    assert raw.startswith(b": keep-alive\n\n")
    assert b"[DONE]" not in raw
    for row in shared_site.rows():
        assert (row.outcome, row.error_code, row.connection) == ("error", "upstream_timeout", "")


def streamed(site: Site) -> bytes:
    """The bytes of a whole stream."""
    body = {"model": "auto", "messages": HELLO, "stream": True}
    response = httpx.post(f"{site.base_url}/v1/chat/completions", json=body, timeout=60)
    assert response.status_code == 200
    return response.content
