"""Cooldown and breaker, with the clock in the test's hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import (
    ConnectFailed,
    KeyRejected,
    PoolExhausted,
    QuotaExhausted,
    RateLimited,
    RequestConflict,
    ServerFailed,
    TlsFailed,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.health import MAXIMUM_STATES, Admission, Health, Standing

PLACE = ("connection", "revision-1", "model")


@pytest.fixture
def health() -> Health:
    return Health(lambda: 0.0)


def standing(health: Health, now: float, place: tuple[str, str, str] = PLACE) -> Standing:
    return health.admission(*place, now).standing


def fail(health: Health, error: UpstreamError, now: float, times: int = 1) -> None:
    for _ in range(times):
        health.begin(*PLACE, now)
        health.fail(*PLACE, error, now)


def until(admission: Admission) -> float:
    assert admission.until is not None
    return admission.until


def test_a_connection_nobody_has_asked_is_ready(health: Health) -> None:
    assert standing(health, 0) is Standing.READY


def test_four_failures_in_a_row_change_nothing_and_the_fifth_opens_the_breaker(
    health: Health,
) -> None:
    fail(health, ServerFailed("500"), 100, times=4)
    assert standing(health, 100) is Standing.READY
    fail(health, ServerFailed("500"), 100)
    admission = health.admission(*PLACE, 100)
    assert admission.standing is Standing.OPEN
    assert admission.until == 110


def test_a_success_between_failures_starts_the_count_again(health: Health) -> None:
    fail(health, ServerFailed("500"), 0, times=4)
    for _ in range(20):
        health.succeed(*PLACE, 0)
    fail(health, ServerFailed("500"), 0, times=4)
    assert standing(health, 0) is Standing.READY


def test_half_of_ten_calls_within_a_minute_opens_the_breaker(health: Health) -> None:
    for turn in range(5):
        health.succeed(*PLACE, turn)
        assert standing(health, turn) is Standing.READY
        fail(health, ServerFailed("500"), turn)
    assert standing(health, 5) is Standing.OPEN


def test_failures_over_a_minute_old_are_forgotten(health: Health) -> None:
    for turn in range(4):
        fail(health, ServerFailed("500"), turn)
        health.succeed(*PLACE, turn)
    for turn in range(100, 106):
        health.succeed(*PLACE, turn)
    fail(health, ServerFailed("500"), 106)
    assert standing(health, 106) is Standing.READY


def test_an_open_breaker_lets_one_probe_through_and_two_successes_close_it(health: Health) -> None:
    fail(health, ServerFailed("500"), 0, times=5)
    assert standing(health, 10.5) is Standing.PROBE
    health.begin(*PLACE, 10.5)
    assert standing(health, 10.6) is Standing.OPEN
    health.succeed(*PLACE, 11)
    assert standing(health, 11) is Standing.PROBE
    health.begin(*PLACE, 11)
    health.succeed(*PLACE, 12)
    assert standing(health, 12) is Standing.READY


def test_a_failed_probe_opens_for_twice_as_long_up_to_five_minutes(health: Health) -> None:
    fail(health, ServerFailed("500"), 0, times=5)
    now, waits = 0.0, []
    for _ in range(7):
        opens_until = until(health.admission(*PLACE, now))
        waits.append(opens_until - now)
        now = opens_until
        fail(health, ServerFailed("500"), now)
    assert waits == [10, 20, 40, 80, 160, 300, 300]


def test_a_probe_whose_caller_left_is_given_back(health: Health) -> None:
    fail(health, ServerFailed("500"), 0, times=5)
    health.begin(*PLACE, 20)
    health.release(*PLACE)
    assert standing(health, 20) is Standing.PROBE


def test_being_told_to_wait_is_a_cooldown_and_not_a_failure(health: Health) -> None:
    fail(health, RateLimited("429", retry_after=30), 0, times=9)
    admission = health.admission(*PLACE, 1)
    assert (admission.standing, admission.until) == (Standing.COOLING, 30)
    assert standing(health, 30) is Standing.READY


def test_a_cooldown_never_shrinks_and_is_an_hour_at_most(health: Health) -> None:
    fail(health, RateLimited("429", retry_after=100), 0)
    fail(health, RateLimited("429", retry_after=5), 10)
    assert health.admission(*PLACE, 11).until == 100
    fail(health, RateLimited("429", retry_after=99_999), 11)
    assert health.admission(*PLACE, 12).until == 11 + 3600


def test_without_a_word_on_how_long_the_cooldown_doubles_to_five_minutes(health: Health) -> None:
    now, waits = 0.0, []
    for _ in range(7):
        fail(health, RateLimited("429"), now)
        ends = until(health.admission(*PLACE, now))
        waits.append(ends - now)
        now = ends
    assert waits == [10, 20, 40, 80, 160, 300, 300]


def test_a_success_ends_the_doubling(health: Health) -> None:
    fail(health, RateLimited("429"), 0)
    fail(health, RateLimited("429"), 100)
    health.succeed(*PLACE, 200)
    fail(health, RateLimited("429"), 300)
    assert health.admission(*PLACE, 300).until == 310


def test_a_rejected_key_switches_the_whole_connection_off_until_it_is_edited(
    health: Health,
) -> None:
    fail(health, KeyRejected("401"), 0)
    other_model = ("connection", "revision-1", "other")
    admission = health.admission(*other_model, 1e9)
    assert (admission.standing, admission.until) == (Standing.OFF, None)
    assert standing(health, 1e9, ("connection", "revision-2", "model")) is Standing.READY


def test_a_missing_model_switches_only_that_model_off(health: Health) -> None:
    fail(health, UpstreamModelMissing("404"), 0)
    assert standing(health, 1e9) is Standing.OFF
    assert standing(health, 1e9, ("connection", "revision-1", "other")) is Standing.READY


def test_a_refused_connection_counts_for_every_model(health: Health) -> None:
    fail(health, ConnectFailed("refused"), 0, times=5)
    assert standing(health, 0, ("connection", "revision-1", "other")) is Standing.OPEN


def test_tls_trouble_switches_off_for_five_minutes(health: Health) -> None:
    fail(health, TlsFailed("bad certificate"), 0)
    assert standing(health, 299) is Standing.OFF
    assert standing(health, 300) is Standing.PROBE


def test_an_empty_account_is_probed_hourly(health: Health) -> None:
    fail(health, QuotaExhausted("no credit"), 0)
    assert standing(health, 3599) is Standing.OFF
    assert standing(health, 3600) is Standing.PROBE
    health.begin(*PLACE, 3600)
    assert standing(health, 3601) is Standing.OFF
    health.succeed(*PLACE, 3602)
    assert standing(health, 3602) is Standing.READY


def test_a_conflict_counts_half(health: Health) -> None:
    fail(health, RequestConflict("409"), 0, times=9)
    assert standing(health, 0) is Standing.READY
    fail(health, RequestConflict("409"), 0)
    assert standing(health, 0) is Standing.OPEN


def test_our_own_full_pool_says_nothing_about_the_upstream(health: Health) -> None:
    fail(health, PoolExhausted("busy"), 0, times=20)
    assert standing(health, 0) is Standing.READY


def test_an_overloaded_upstream_that_names_a_time_is_left_alone_for_it(health: Health) -> None:
    fail(health, ServerFailed("503", retry_after=7), 0)
    assert health.admission(*PLACE, 1) == Admission(
        Standing.COOLING, 7, health.admission(*PLACE, 1).cause
    )


def test_states_of_connections_that_are_gone_are_forgotten(health: Health) -> None:
    fail(health, KeyRejected("401"), 0)
    health.keep_only({("connection", "revision-2")})
    assert standing(health, 0) is Standing.READY


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ServerFailed("500"), RateLimited("429"), RequestConflict("409")]),
            st.floats(0, 20),
        ),
        max_size=60,
    ),
    st.floats(0, 1),
)
def test_until_never_shrinks_while_nothing_succeeds(
    history: list[tuple[UpstreamError, float]], chance: float
) -> None:
    health = Health(lambda: chance)
    now, latest = 0.0, 0.0
    for error, pause in history:
        now += pause
        fail(health, error, now)
        current = health.admission(*PLACE, now).until
        if current is not None:
            assert current >= min(latest, current)
            assert current - now <= 3600
            if latest > now:
                assert current >= latest
            latest = max(latest, current)


def test_a_connection_back_from_being_off_that_says_to_wait_is_left_alone_so_long(
    health: Health,
) -> None:
    fail(health, QuotaExhausted("no credit"), 0)
    assert standing(health, 3600) is Standing.PROBE
    fail(health, RateLimited("slow down", retry_after=100), 3600)
    assert health.admission(*PLACE, 3699).standing is Standing.COOLING
    assert standing(health, 3700) is Standing.PROBE


def test_a_connection_back_from_being_off_that_fails_again_is_open_for_a_while(
    health: Health,
) -> None:
    fail(health, TlsFailed("expired"), 0)
    assert standing(health, 300) is Standing.PROBE
    fail(health, ConnectFailed("refused"), 300)
    assert health.admission(*PLACE, 305).standing is Standing.OPEN
    assert standing(health, 310) is Standing.PROBE


def test_models_that_callers_make_up_do_not_fill_the_memory(health: Health) -> None:
    fail(health, ConnectFailed("refused"), 0, times=5)
    for number in range(3 * MAXIMUM_STATES):
        health.fail("connection", "revision-1", f"made-up-{number}", ServerFailed("500"), 0)
    assert health.size <= MAXIMUM_STATES
    assert standing(health, 0) is Standing.OPEN


def test_a_cooldown_within_an_open_breaker_ends_with_the_breaker(health: Health) -> None:
    fail(health, ServerFailed("500"), 0, times=6)
    fail(health, RateLimited("slow down", retry_after=5), 0)
    assert health.admission(*PLACE, 1) == Admission(
        Standing.COOLING, 20, health.admission(*PLACE, 1).cause
    )
    assert standing(health, 6) is Standing.OPEN
