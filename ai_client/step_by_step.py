"""A connection tried step by step: DNS, connect, TLS, authentication, model, first token.

The first three are made by hand, through the address guard; the request then goes out on the very
socket that they opened, by the same session as any other request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from time import monotonic

from django.utils.translation import gettext as _

from ai_client.advice import advice_for, as_detail, without_advice
from ai_client.ask import Ask, Limits
from ai_client.errors import (
    AiClientError,
    BadContent,
    EndpointNotFound,
    HeadersTimedOut,
    KeyRejected,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    RequestError,
    ResourceRefused,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.exchange import Opened, Output, Reply
from ai_client.exchange import Step as SessionStep
from ai_client.health import Health
from ai_client.log.redaction import hide
from ai_client.messages import GenerationRequest, ModelConfig, user_message
from ai_client.model_listing import list_models
from ai_client.reading import Patience, is_web_page
from ai_client.router import Route
from ai_client.session import Session
from ai_client.snapshot import ConnectionConfig
from ai_client.transport import drive
from ai_client.transport.approach import Approach
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from connectors.probing import Step, StepName

TRIAL = GenerationRequest((user_message("Reply with: OK"),), ModelConfig(max_tokens=16))
"""The smallest request that every model answers."""

STEPS: tuple[StepName, ...] = ("dns", "connect", "tls", "auth", "model", "first_token")

# They come from behind the check of the key, and the key is not what they complain about.
_PAST_THE_KEY = (
    QuotaExhausted,
    RateLimited,
    ResourceRefused,
    UpstreamModelMissing,
    RequestError,
)

Noted = Callable[[float, UpstreamError | None], None]
"""Told how the trial ended: seconds until the first words, and the failure if there was one."""


def trial_session(connection: ConnectionConfig, limits: Limits, *, stream: bool) -> Session:
    """A session that asks this connection and no other, whatever its health."""
    ask = Ask(stream=stream, request=TRIAL.with_stream(stream))
    routes = (Route(connection, connection.model),)
    return Session(ask, routes, Health(lambda: 0.0), monotonic, limits, hide=hide)


def try_steps(
    connection: ConnectionConfig, guard: Guard, limits: Limits, noted: Noted
) -> Iterator[Step]:
    """All steps in their order, each as soon as it is known; what was not tried is skipped.

    The ``ms`` add up to the time until the first words.
    """
    approach = Approach(guard, connection.base_url, limits.connect)
    done = 0
    try:
        for step in _tried(connection, approach, limits, noted):
            yield step
            done += 1
    finally:
        approach.close()
    for name in STEPS[done:]:
        yield Step(name, "skipped", message=_("Not tried."))


def _tried(
    connection: ConnectionConfig, approach: Approach, limits: Limits, noted: Noted
) -> Iterator[Step]:
    began = monotonic()
    acts: tuple[tuple[StepName, Callable[[], None], str], ...] = (
        ("dns", approach.resolve, _("%(host)s is found.")),
        ("connect", approach.connect, _("Port %(port)s answers.")),
        ("tls", approach.secure, _("The certificate is valid for %(host)s.")),
    )
    for name, act, said in acts:
        if name == "tls" and not approach.is_encrypted:
            yield Step(name, "skipped", message=_("The address is http://, without encryption."))
            continue
        started = monotonic()
        try:
            act()
        except UpstreamError as error:
            noted(monotonic() - began, error)
            yield _failure(name, started, error)
            return
        if name == "dns" and not approach.has_name:
            yield Step(name, "skipped", message=_("The base URL holds an address, not a name."))
            continue
        words = said % {"host": approach.host, "port": approach.port}
        yield Step(name, "ok", _since(started), words)
    if connection.model:
        yield from _asked(connection, approach.engine, limits, noted, began)
    else:
        yield from _without_model(connection, approach.engine, limits)


def _asked(
    connection: ConnectionConfig, engine: HttpxEngine, limits: Limits, noted: Noted, began: float
) -> Iterator[Step]:
    session = trial_session(connection, limits, stream=True)
    latest = monotonic()
    opened = False
    try:
        with closing(drive(_announcing(session), engine)) as outputs:
            for output in outputs:
                if isinstance(output, Opened):
                    opened = True
                    yield Step("auth", "ok", _since(latest), _taken(connection))
                    latest = monotonic()
                    continue
                now = monotonic()
                known = min(max(session.progress.first_event or now, latest), now)
                noted(now - began, None)
                model = session.progress.model or connection.model
                yield Step(
                    "model", "ok", _ms(known - latest), _("%(model)s answers.") % {"model": model}
                )
                total = _("The first words came after %(number)d ms in all.") % {
                    "number": round((now - began) * 1000)
                }
                yield Step("first_token", "ok", _ms(now - known), total)
                return
    except AiClientError as error:
        if isinstance(error, UpstreamError):
            noted(monotonic() - began, error)
        begun = session.progress.first_event is not None
        yield from _unanswered(error, latest, connection, opened=opened, begun=begun)


def _announcing(session: Session) -> Generator[SessionStep | Output | Opened, Reply, None]:
    """The session's steps and outputs, and between them the headers that promise an answer."""
    flow = session.run()
    reply: Reply = None
    try:
        while True:
            try:
                step = flow.send(reply)
            except StopIteration:
                return
            reply = yield step
            if isinstance(reply, Opened) and reply.status == 200 and not is_web_page(reply):
                yield reply
    finally:
        flow.close()


def _unanswered(
    error: AiClientError,
    started: float,
    connection: ConnectionConfig,
    *,
    opened: bool,
    begun: bool,
) -> Iterator[Step]:
    """The steps from the one on at which the answer failed."""
    if not opened:
        if isinstance(error, KeyRejected) or _got_no_answer(error):
            yield _failure("auth", started, error)
            return
        if _is_past_the_key(error):
            yield Step("auth", "ok", _since(started), _taken(connection))
        else:
            yield Step("auth", "skipped", message=_("The answer does not tell."))
        yield _failure("model", started, error)
        return
    if isinstance(error, (KeyRejected, *_PAST_THE_KEY)):
        yield _failure("model", started, error)
        return
    if begun:
        yield Step("model", "ok", message=_("%(model)s answers.") % {"model": connection.model})
    else:
        yield Step("model", "skipped", message=_("The answer does not tell."))
    yield _failure("first_token", started, error)


def _is_past_the_key(error: AiClientError) -> bool:
    if isinstance(error, UpstreamModelMissing):
        # A 404 without the vendor's own word may come from any server on the way.
        return error.upstream_code is not None
    return isinstance(error, _PAST_THE_KEY)


def _got_no_answer(error: AiClientError) -> bool:
    """Whether nothing came back, or nothing that an API would say."""
    if isinstance(error, BadContent | RedirectRefused | HeadersTimedOut):
        return True
    return isinstance(error, UpstreamError) and error.upstream_status is None


def _without_model(
    connection: ConnectionConfig, engine: HttpxEngine, limits: Limits
) -> Iterator[Step]:
    started = monotonic()
    listing = list_models(connection, Patience(limits, monotonic), limits.connect, hide)
    try:
        with closing(drive(listing, engine)) as pages:
            next(pages)
    except EndpointNotFound:
        yield Step("auth", "skipped", message=_("Only a request to a model tells."))
    except AiClientError as error:
        yield _failure("auth", started, error)
        return
    else:
        yield Step("auth", "ok", _since(started), _taken(connection))
    yield Step("model", "failed", None, _("No model is chosen."), _("Choose a model."))


def _failure(name: StepName, started: float, error: AiClientError) -> Step:
    detail = as_detail(without_advice(error))
    return Step(name, "failed", _since(started), detail, advice_for(error))


def _taken(connection: ConnectionConfig) -> str:
    return _("The key is accepted.") if connection.api_key else _("No key is needed.")


def _since(started: float) -> float:
    return _ms(monotonic() - started)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
