"""Where a scenario is played: a site with connections, simulators behind it, a way of asking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.test import override_settings

from ai_client import PromptBuilder
from ai_client.client import default_client, site_client
from ai_client.log.writer import default_writer
from ai_client.model_directory import default_directory
from ai_client.models import RequestLog
from ai_client.simulator import RecordedRequest, Simulator
from ai_client.simulator.azure import AzureSimulator
from connectors.models import Approval
from connectors.services import apply_connections
from tests.ai_client.scenarios.upstreams import BY_SLUG, Upstream
from tests.ai_client.scenarios.ways import Way, going
from tests.live_site import forget_this_process


@dataclass(slots=True)
class Stand:
    """The simulators, and the chain of connections that the site has now."""

    simulator: Simulator
    azure: AzureSimulator
    chain: list[dict[str, Any]] = field(default_factory=list)

    def connect(self, chain: list[dict[str, Any]]) -> None:
        """Make ``chain`` the site's connections, in this order."""
        ordered = [{**each, "priority": place} for place, each in enumerate(chain, start=1)]
        if ordered != self.chain:
            apply_connections(ordered, prune=True)
            self.chain = ordered

    @contextmanager
    def stage(self, upstream: Upstream, way: str) -> Iterator[Stage]:
        """A process that has just begun."""
        # The client keeps its sockets; a new one for each stage would take longer than all else.
        default_client().health.keep_only(set())
        for connection in default_client().snapshot().connections:
            default_directory().forget(connection)
        self.simulator.clear()
        self.azure.clear()
        with going(way) as chosen:
            try:
                yield Stage(self, upstream, chosen)
            finally:
                Approval.objects.all().delete()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario has in its hands."""

    stand: Stand
    upstream: Upstream
    way: Way

    def own(self, failure: str | None = None, **more: Any) -> dict[str, Any]:
        """A connection to the upstream, failing as ``failure`` says."""
        return self.of(self.upstream, failure, **more)

    def other(self, failure: str | None = None, **more: Any) -> dict[str, Any]:
        """A connection to the upstream of another dialect that stands in for it."""
        return self.of(self.stand_in, failure, **more)

    def of(self, upstream: Upstream, failure: str | None = None, **more: Any) -> dict[str, Any]:
        """A connection to any upstream."""
        return upstream.connection(self.stand.simulator, self.stand.azure, failure, **more)

    @property
    def stand_in(self) -> Upstream:
        return BY_SLUG[self.upstream.stand_in]

    def failing(self, prompt: PromptBuilder, failure: str) -> PromptBuilder:
        """The prompt for a model that fails so, at a connection made with ``own("")``."""
        model = f"fail-{failure}--{self.upstream.model}"
        return prompt.using_model((self.upstream.slug, model))

    def connect(self, *chain: dict[str, Any]) -> None:
        """Make ``chain`` the site's connections."""
        self.stand.connect(list(chain))
        default_client().snapshot()

    def begin_again(self) -> None:
        """Another process of the site: it remembers nothing."""
        _forget()
        default_client().snapshot()

    @property
    def requests(self) -> list[RecordedRequest]:
        """What upstreams were sent."""
        return [*self.stand.simulator.requests, *self.stand.azure.requests]

    @property
    def prompts(self) -> list[RecordedRequest]:
        """Of these all that are no question for the models that there are."""
        return [each for each in self.requests if not each.path.endswith("/models")]

    def clear_log(self) -> None:
        """Forget the rows of the request log."""
        default_writer().drain_once()
        RequestLog.objects.all().delete()

    def attempts(self) -> list[tuple[str, str]]:
        """Of the one request in the log: connections with what became of each attempt."""
        default_writer().drain_once()
        (row,) = RequestLog.objects.all()
        return [(str(each["connection"]), str(each["class"])) for each in row.attempts]


@contextmanager
def standing(simulator: Simulator, azure: AzureSimulator) -> Iterator[Stand]:
    """A site that may send to this machine; nothing of it is left afterwards."""
    from django.conf import settings

    local = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"]}
    with override_settings(AI_CLIENT=local, CONNECTORS={}):
        cache.clear()
        _forget()
        try:
            yield Stand(simulator, azure)
        finally:
            apply_connections([], prune=True)
            default_writer().drain_once()
            RequestLog.objects.all().delete()
            _forget()


def _forget() -> None:
    if site_client.cache_info().currsize:
        site_client().engine.close()
    forget_this_process()
