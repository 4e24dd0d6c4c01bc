"""One server and one set of simulators for the whole matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import Simulator, running
from tests.live_site import UPSTREAM_KEY, Site, forget_this_process, serving
from tests.sdk_matrix.upstreams import DEPLOYMENTS


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureSimulator]:
    """A resource with the deployments of the matrix."""
    with running(AzureSimulator(UPSTREAM_KEY, deployments=DEPLOYMENTS)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The origin of the running site, started before there is a database."""
    from koneek_site.asgi import application

    forget_this_process()
    with serving(application) as base_url:
        yield base_url
    forget_this_process()


@pytest.fixture
def site(
    transactional_db: None, allow_local: None, settings: Any, address: str, simulator: Simulator
) -> Iterator[Site]:
    """The running site with a gateway key and an empty log."""
    _, key = create_gateway_key("matrix")
    configuration().refresh()
    default_client().health.keep_only(set())
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    site = Site(address, key, simulator)
    with site.clients:
        yield site
