"""Whether a caller is to ask again, told in headers, for every error there is."""

from __future__ import annotations

import pytest

from ai_client import errors
from ai_client.error_headers import LONGEST_WAIT, complete_message, retry_headers
from ai_client.errors import AiClientError

NOT_AGAIN = {"x-should-retry": "false"}


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (errors.InvalidRequest("a"), NOT_AGAIN),
        (errors.RequestTimeout("a"), {}),
        (errors.NoConnection("a"), NOT_AGAIN),
        (errors.ConfigurationUnavailable("a"), {"retry-after": "1"}),
        (errors.AiClientError("a"), {}),
        (errors.ServerFailed("a"), {}),
        (errors.RateLimited("a", retry_after=6.2), {"retry-after": "7"}),
        (errors.QuotaExhausted("a", retry_after=60), {"retry-after": "60", **NOT_AGAIN}),
        (errors.KeyLimitReached("a", retry_after=0.2), {"retry-after": "1"}),
        (
            errors.KeyLimitReached("a", retry_after=LONGEST_WAIT + 1),
            {"retry-after": "61", **NOT_AGAIN},
        ),
        (errors.BudgetExhausted("a", retry_after=5), {"retry-after": "5", **NOT_AGAIN}),
        (
            errors.KeyLimitReached("a", retry_after=5, headers={"x-ratelimit-limit-requests": "9"}),
            {"x-ratelimit-limit-requests": "9", "retry-after": "5"},
        ),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, AiClientError) else "",
)
def test_headers(error: AiClientError, headers: dict[str, str]) -> None:
    assert retry_headers(error) == headers


def test_an_exhausted_chain_says_what_it_found_out() -> None:
    error = errors.ServerFailed("a")
    error.should_retry = False
    assert retry_headers(error) == NOT_AGAIN


def test_names_are_told_once() -> None:
    missing = errors.ModelNotFound("No 'x'. Available: a, b.", available=("a", "b"))
    assert complete_message(missing) == "No 'x'. Available: a, b."
    assert complete_message(errors.ModelNotFound("No.", available=("a",))) == "No. There is: a."
    assert complete_message(errors.ServerFailed("Broken.")) == "Broken."
