"""What error answers share in all dialects: whether to ask again, and which models there are.

The SDKs of OpenAI and Anthropic obey ``x-should-retry`` and ``retry-after`` before they look at the
status (https://github.com/anthropics/anthropic-sdk-python, ``_base_client.py``). Without them one
call becomes as many calls as the SDK has retries.
"""

from __future__ import annotations

import math
from typing import Final

from ai_client.errors import (
    AiClientError,
    BudgetExhausted,
    KeyLimitReached,
    ModelNotFound,
    NoConnection,
    RequestError,
    RequestTimeout,
    UpstreamError,
)

LONGEST_WAIT: Final = 60.0
"""Seconds that a caller's SDK may be left to wait for a limit of its key; a limit that ends later
is not waited for."""


def retry_headers(error: AiClientError) -> dict[str, str]:
    """The headers that tell a caller's SDK whether and when to ask again; limits' own beside them.

    ``retry-after`` is in whole seconds. ``x-should-retry`` is only there as ``false``, where asking
    again won't help.
    """
    headers = dict(error.headers) if isinstance(error, KeyLimitReached) else {}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = str(math.ceil(retry_after))
    if not cured_by_retry(error):
        headers["x-should-retry"] = "false"
    return headers


def cured_by_retry(error: AiClientError) -> bool:
    """Whether the same request may succeed when it is sent again soon."""
    if isinstance(error, UpstreamError):
        return error.should_retry
    if isinstance(error, KeyLimitReached):
        return not isinstance(error, BudgetExhausted) and error.retry_after <= LONGEST_WAIT
    return not isinstance(error, RequestError | NoConnection) or isinstance(error, RequestTimeout)


def complete_message(error: AiClientError) -> str:
    """The error's message; for a model that is not there, with the names that are."""
    if isinstance(error, ModelNotFound) and error.available:
        unsaid = [name for name in error.available if name not in error.message]
        if unsaid:
            return f"{error.message} There is: {', '.join(error.available)}."
    return error.message
