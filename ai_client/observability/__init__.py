"""OpenTelemetry: a span and metrics for each request, where opentelemetry-api is installed.

They follow the conventions for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai, in development there): one span
``{operation} {model}`` per request, of Python code as of the gateway's callers, with
``gen_ai.…`` attributes, and below it one ``attempt {connection}`` per connection that was asked,
so that fallback can be seen. What is this package's own is called ``koneek.…``. The span's parent
is the span in which the request was made. Errors are named by the codes of docs/errors.md.

Prompts and answers are in a span only with ``AI_CLIENT["TRACE_CONTENT"]``, and upstreams are told
of the trace (``traceparent``) only with ``AI_CLIENT["TRACE_UPSTREAM"]``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ai_client.trail import Watcher

if TYPE_CHECKING:
    from ai_client.observability.telemetry import Telemetry


def watch() -> Watcher | None:
    """What follows a request that begins now; None where OpenTelemetry is not installed."""
    telemetry = _telemetry()
    return None if telemetry is None else telemetry.watch()


@cache
def _telemetry() -> Telemetry | None:
    """Over the providers that the process has, or gets later."""
    try:
        from ai_client.observability.telemetry import Telemetry
    except ImportError:
        return None
    return Telemetry()
