"""One request of a Python caller, from its plan to its record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ai_client.ask import Ask
from ai_client.errors import AiClientError
from ai_client.events import Event, replay
from ai_client.exchange import Answer, Output, Piece
from ai_client.messages import AnyResult, GenerativeAiOperation, GenerativeAiResult
from ai_client.operations import with_handle
from ai_client.progress import Progress
from ai_client.records import Outcome
from ai_client.router import Route

if TYPE_CHECKING:
    from ai_client.client import AiClient
    from ai_client.plan import Plan

PYTHON: Final = "python"
"""The dialect of callers that use Python rather than the gateway."""


def generated(result: AnyResult) -> GenerativeAiResult:
    """The result of a conversation; ``TypeError`` where something else was asked for."""
    if not isinstance(result, GenerativeAiResult):
        raise TypeError(f"Asked for content, not for {type(result).__name__}.")
    return result


class PythonCall:
    """One request of a Python caller: its session, and the one record that it leaves."""

    def __init__(self, client: AiClient, plan: Plan, *, stream: bool) -> None:
        self._client = client
        self._trail = client.trail(
            PYTHON, requested_model=plan.requested, stream=stream, caller=plan.caller
        )
        self._recorded = False
        ask = Ask(stream=stream, request=plan.request.with_stream(stream))
        try:
            self.session = client.session(
                ask,
                plan.model,
                caller=plan.caller,
                limits=plan.limits,
                watcher=self._trail.watcher,
                reserve=plan.reserve,
            )
        except AiClientError as error:
            client.finish(self._trail, Progress(), Outcome.REFUSED, error=error)
            raise

    @property
    def request_id(self) -> str:
        """The id of the request in the log."""
        return self._trail.request_id

    @property
    def route(self) -> Route:
        """Who was asked last: after an answer, who gave it."""
        return self.session.progress.attempts[-1].route

    def answer(self, output: Output) -> AnyResult:
        """What a complete output says; the record is written."""
        assert isinstance(output, Answer)
        if self._trail.watcher is not None:
            self._trail.watcher.heard(output)
        self._record(Outcome.SUCCESS)
        if isinstance(output.result, GenerativeAiOperation):
            return with_handle(output.result, self.route)
        return output.result

    def events(self, output: Output) -> Iterator[Event]:
        """The events in one output of a stream."""
        self._trail.heard(output)
        match output:
            case Piece():
                yield from output.events
            case Answer():
                yield from replay(generated(output.result))

    def end(self) -> None:
        """The answer is complete; the record is written."""
        self._record(Outcome.SUCCESS)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._recorded:
            return
        if isinstance(error, AiClientError):
            self._record(Outcome.ERROR, error)
        elif isinstance(error, Exception):
            # A caller that leaves closes the iterator; this is a defect of ours.
            self._record(Outcome.ERROR, AiClientError("The AI client failed."))
        else:
            self._record(Outcome.CLIENT_CLOSED)

    def _record(self, outcome: Outcome, error: AiClientError | None = None) -> None:
        if self._recorded:
            return
        self._recorded = True
        self._client.finish(self._trail, self.session.progress, outcome, error=error)
