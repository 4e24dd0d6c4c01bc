"""A server that serves a whole module of tests, for tables with hundreds of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.live_site import Site, forget_this_process, serving


@pytest.fixture(scope="module")
def module_site(simulator: Simulator) -> Iterator[Site]:
    """The site, started once for a module, before there is a database; see ``shared_site``.

    Not for a module that uses ``site`` too: there is one client per process.
    """
    from koneek_site.asgi import application

    forget_this_process()
    with serving(application) as base_url:
        yield Site(base_url, "no key is needed", simulator)
    forget_this_process()


@pytest.fixture
def shared_site(
    transactional_db: None, allow_local: None, settings: Any, module_site: Site
) -> Site:
    """The module's site, without memory: no connection, no request, no state of health."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "REQUIRE_GATEWAY_KEY": False}
    module_site.simulator.clear()
    configuration().refresh()
    default_client().health.keep_only(set())
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    return module_site


@pytest.fixture(scope="module")
def sdk(module_site: Site) -> Iterator[openai.OpenAI]:
    """The official SDK for the module's site, without retries of its own."""
    with module_site.sdk(timeout=60) as client:
        yield client
