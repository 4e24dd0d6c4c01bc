"""What models connections have: their upstreams' lists, kept in Django's cache.

A list is fresh for an hour. After that, for a day, it is still served while one refresh runs in
the background. A failure is not kept, but the upstream is left alone for a minute, as are those
that requests leave alone. Where the cache is down, or keeps nothing, each process does as well with
its own memory. Lists are kept per provider, address and key, so a key learns nothing from what
another one was shown; the key itself is in no cache, only a fingerprint that this site alone can
make.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.core.cache import BaseCache
from django.core.cache import cache as site_cache
from django.db import close_old_connections
from django.utils.crypto import salted_hmac

from ai_client import conf
from ai_client.ask import Limits
from ai_client.capabilities import ModelMetadata
from ai_client.errors import (
    AiClientError,
    ConnectTimedOut,
    DeadlineExceeded,
    FirstEventTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    PoolExhausted,
)
from ai_client.health import Standing
from ai_client.log.redaction import hide
from ai_client.model_catalog import known, metadata, ordered
from ai_client.model_listing import DetectedModel, list_models
from ai_client.providers import Provider
from ai_client.reading import Patience
from ai_client.snapshot import ConnectionConfig
from ai_client.transport import Engine, drive
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from ai_client.wire import ListedModel, models_face

FRESH = 3600.0
"""Seconds after which an upstream is asked again."""

KEPT = 24 * 3600.0
"""Seconds for which a list is served while a newer one is fetched."""

PAUSE = 60.0
"""Seconds for which an upstream that failed, or is being asked, is not asked again."""

PATIENCE = 10.0
"""Seconds that a prompt waits for a list at most."""

MAXIMUM_MODELS = 5000

_AT_HAND = 60.0
"""Seconds for which this process trusts its own copy."""
_COPIES = 512
_TOO_SLOW = (
    ConnectTimedOut,
    DeadlineExceeded,
    FirstEventTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    PoolExhausted,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A list: when it came, when this process took it over, and the models in order."""

    came: float
    taken: float
    models: tuple[ModelMetadata, ...]


class ModelDirectory:
    """The models of connections. One per process, or per registry.

    ``engine`` gives what asks the upstreams, None for one of its own; ``clock`` gives seconds
    since the epoch; ``background`` runs a refresh, in a thread unless given; ``is_shunned`` tells
    whose upstream is not to be asked at the moment.
    """

    def __init__(
        self,
        *,
        engine: Callable[[], Engine | None] = lambda: None,
        cache: BaseCache | None = None,
        clock: Callable[[], float] = time.time,
        background: Callable[[Callable[[], None]], object] | None = None,
        is_shunned: Callable[[ConnectionConfig], bool] = lambda connection: False,
    ) -> None:
        self._engine = engine
        self._cache = _SharedCache(site_cache if cache is None else cache)
        self._clock = clock
        self._background = background or _in_a_thread
        self._is_shunned = is_shunned
        self._copies: dict[str, _Kept] = {}
        self._pauses = _Pauses(clock)
        self._refreshing = _Pauses(clock)

    def models(
        self, connection: ConnectionConfig, patience: float = PATIENCE
    ) -> tuple[ModelMetadata, ...]:
        """All models: those the connection names, then its upstream's, best first.

        Asks the upstream unless its list is kept, for ``patience`` seconds at most: 0 asks nobody.
        Where that fails, or AI is switched off, the named ones are all.
        """
        if not _has_list(connection):
            return _with(connection, connection.provider.models)
        key = _key(connection)
        kept = self._kept(key, connection)
        if kept is None:
            if patience > 0 and not self._refreshing.has(key) and self._may_ask(key, connection):
                kept = self._fetched(key, connection, min(patience, PATIENCE))
        elif self._clock() - kept.came >= FRESH and self._may_ask(key, connection):
            self._refresh(key, connection)
        return known(connection) if kept is None else _with(connection, kept.models)

    def peek(self, connection: ConnectionConfig) -> tuple[ModelMetadata, ...] | None:
        """As ``models``, from this process's memory; None where that does not hold them."""
        if not _has_list(connection):
            return _with(connection, connection.provider.models)
        kept = self._copies.get(_key(connection))
        if kept is None or not self._is_trusted(kept):
            return None
        return _with(connection, kept.models)

    def note(self, connection: ConnectionConfig, listed: Iterable[ListedModel]) -> None:
        """Keep a list that somebody has just asked for."""
        self._keep(_key(connection), connection, listed)

    def forget(self, connection: ConnectionConfig) -> None:
        """Let the next question go to the upstream."""
        key = _key(connection)
        self._copies.pop(key, None)
        self._pauses.end(key)
        self._refreshing.end(key)
        self._cache.delete(key, f"{key}:failed", f"{key}:refreshing")

    def _may_ask(self, key: str, connection: ConnectionConfig) -> bool:
        """Whether the upstream may be asked, which sends it the key."""
        return not (
            self._pauses.has(key)
            or not conf.ai_enabled()
            or self._is_shunned(connection)
            or self._cache.get(f"{key}:failed")
        )

    def _kept(self, key: str, connection: ConnectionConfig) -> _Kept | None:
        copy = self._copies.get(key)
        if copy is not None and self._is_trusted(copy):
            return copy
        stored: tuple[float, list[tuple[Any, ...]]] | None = self._cache.get(key)
        if stored is None and copy is not None and self._cache.is_down:
            return copy if self._clock() - copy.came < KEPT else None
        if stored is None or self._clock() - stored[0] >= KEPT:
            return None
        came, rows = stored
        return self._copy(key, connection, came, list(map(_read, rows)))

    def _is_trusted(self, copy: _Kept) -> bool:
        now = self._clock()
        return now - copy.taken < _AT_HAND and now - copy.came < FRESH

    def _fetched(self, key: str, connection: ConnectionConfig, patience: float) -> _Kept | None:
        try:
            listed = self._ask(connection, patience)
        except AiClientError as error:
            # Its message goes nowhere: whoever asks the upstream next gets its own.
            logger.info("%s could not be asked for its models (%s).", connection.name, error.code)
            if patience < PATIENCE and isinstance(error, _TOO_SLOW):
                # Too slow for this caller, which says little: others get what comes later.
                self._refresh(key, connection)
            else:
                self._pauses.begin(key)
                self._cache.set(f"{key}:failed", True, PAUSE)
            return None
        return self._keep(key, connection, listed)

    def _ask(self, connection: ConnectionConfig, patience: float) -> list[ListedModel]:
        limits = conf.limits()
        limits = replace(
            limits, deadline=patience, connect=min(limits.connect, patience), attempts=1
        )
        patient = replace(connection, timeout=min(connection.timeout, patience))
        if (given := self._engine()) is not None:
            return listed_models(patient, limits, given)
        with closing(HttpxEngine(Guard(conf.allowed_private_hosts))) as engine:
            return listed_models(patient, limits, engine)

    def _keep(self, key: str, connection: ConnectionConfig, listed: Iterable[ListedModel]) -> _Kept:
        found = list(listed)
        now = self._clock()
        self._cache.set(key, (now, list(map(_written, found))), KEPT)
        self._pauses.end(key)
        self._cache.delete(f"{key}:failed")
        return self._copy(key, connection, now, found)

    def _copy(
        self, key: str, connection: ConnectionConfig, came: float, listed: list[ListedModel]
    ) -> _Kept:
        provider = connection.provider
        models = ordered(provider, (_described(provider, each) for each in listed))
        kept = _Kept(came, self._clock(), models)
        self._copies.pop(key, None)
        while len(self._copies) >= _COPIES:
            self._copies.pop(next(iter(self._copies)), None)
        self._copies[key] = kept
        return kept

    def _refresh(self, key: str, connection: ConnectionConfig) -> None:
        """Start the one refresh, of whatever process is first."""
        if self._refreshing.has(key) or not self._cache.add(f"{key}:refreshing", True, PAUSE):
            return
        self._refreshing.begin(key)

        def work() -> None:
            try:
                self._fetched(key, connection, PATIENCE)
            finally:
                self._refreshing.end(key)
                self._cache.delete(f"{key}:refreshing")

        self._background(work)


class _Pauses:
    """What this process remembers for ``PAUSE`` seconds, by key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def begin(self, key: str) -> None:
        self._until.pop(key, None)
        while len(self._until) >= _COPIES:
            self._until.pop(next(iter(self._until)), None)
        self._until[key] = self._clock() + PAUSE

    def has(self, key: str) -> bool:
        # A clock that was set back makes no pause longer.
        return 0 < self._until.get(key, 0.0) - self._clock() <= PAUSE

    def end(self, key: str) -> None:
        self._until.pop(key, None)


class _SharedCache:
    """A cache that may be down: then it holds nothing, and nobody is kept waiting for an answer.

    What its backend says goes nowhere, since that may hold the cache's address with its password.
    """

    def __init__(self, backend: BaseCache) -> None:
        self._backend = backend
        self.is_down = False

    def get(self, key: str) -> Any:
        return self._tried(lambda: self._backend.get(key))

    def set(self, key: str, value: object, seconds: float) -> None:
        self._tried(lambda: self._backend.set(key, value, seconds))

    def add(self, key: str, value: object, seconds: float) -> bool:
        """Whether it was not there; True as well where the cache cannot tell."""
        return self._tried(lambda: self._backend.add(key, value, seconds)) is not False

    def delete(self, *keys: str) -> None:
        self._tried(lambda: self._backend.delete_many(keys))

    def _tried(self, act: Callable[[], Any]) -> Any:
        # Each backend has errors of its own.
        try:
            found = act()
        except Exception as error:
            if not self.is_down:
                logger.warning("The site's cache is down (%s).", type(error).__name__)
            self.is_down = True
            return None
        self.is_down = False
        return found


def listed_models(
    connection: ConnectionConfig, limits: Limits, engine: Engine, *, pages: int | None = None
) -> list[ListedModel]:
    """What the upstream lists, asked now. Raises the ``AiClientError`` that its answer is.

    ``pages`` is how many are asked for at most; None: all.
    """
    listing = list_models(connection, Patience(limits, time.monotonic), limits.connect, hide)
    found: dict[str, ListedModel] = {}
    with closing(drive(listing, engine)) as received:
        for number, page in enumerate(received, 1):
            found |= {each.id: each for each in page.models}
            if number == pages or len(found) >= MAXIMUM_MODELS:
                break
    return list(found.values())[:MAXIMUM_MODELS]


@cache
def default_directory() -> ModelDirectory:
    """This process's directory, over the site's cache."""
    return ModelDirectory(is_shunned=is_shunned)


def is_shunned(connection: ConnectionConfig) -> bool:
    """Whether this process's requests leave the connection alone, as it looks broken or is off."""
    from ai_client.client import default_client

    client = default_client()
    now = client.clock()
    whole, own = (
        client.health.admission(connection.id, connection.revision, model, now).standing
        for model in ("", connection.model)
    )
    # A model that is off is a reason to look which ones there are.
    return whole in (Standing.OPEN, Standing.OFF) or own is Standing.OPEN


def _has_list(connection: ConnectionConfig) -> bool:
    if connection.provider.name_models is not None and known(connection):
        return False
    return (
        not connection.unusable
        and bool(connection.base_url)
        and not connection.provider.models
        and models_face(connection.provider.wire) is not None
    )


def _with(
    connection: ConnectionConfig, listed: tuple[ModelMetadata, ...]
) -> tuple[ModelMetadata, ...]:
    named = known(connection)
    ids = {each.id for each in named}
    return (*named, *(each for each in listed if each.id not in ids))


def _written(listed: ListedModel) -> tuple[Any, ...]:
    """The model as a row of the cache; ``_read`` reads it."""
    if isinstance(listed, DetectedModel):
        return listed.id, listed.name, dict(listed.fields)
    return listed.id, listed.name


def _read(row: tuple[Any, ...]) -> ListedModel:
    return ListedModel(*row) if len(row) == 2 else DetectedModel(*row)


def _described(provider: Provider, listed: ListedModel) -> ModelMetadata:
    """What the model can do: as it was found out, else by the provider's table."""
    if isinstance(listed, DetectedModel) and provider.name_models is not None:
        for each in provider.name_models((), listed.fields):
            if each.id == listed.id:
                return each
    return metadata(provider, listed.id, listed.name)


def _key(connection: ConnectionConfig) -> str:
    provider = connection.provider
    place = f"{provider.slug}\n{provider.wire}\n{connection.base_url}\n{connection.api_key}"
    if provider.detect is not None:
        # Lists without what was found out of their models, of another release, are not these.
        place += f"\n{sorted(connection.options.items())}\nfields"
    fingerprint = salted_hmac("ai_client.model_directory", place, algorithm="sha256").hexdigest()
    return f"ai_client:models:{fingerprint}"


def _in_a_thread(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        except Exception:
            logger.exception("A list of models could not be refreshed.")
        finally:
            close_old_connections()

    threading.Thread(target=run, name="koneek-models", daemon=True).start()
