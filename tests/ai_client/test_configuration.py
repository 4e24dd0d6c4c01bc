"""The snapshot of a process: forks, threads, and what hangs on it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from django.conf import settings

from ai_client.client import default_client
from ai_client.configuration import Configuration
from ai_client.errors import ServerFailed
from ai_client.snapshot import Snapshot
from connectors.models import Connection
from connectors.services import update_connection
from tests.live_site import Site

SECONDS = 20
"""How long a forked process may take before it counts as stuck."""


def test_a_process_forked_while_the_configuration_was_being_read_reads_its_own() -> None:
    reading, go_on = threading.Event(), threading.Event()

    def load() -> Snapshot:
        if threading.current_thread() is not threading.main_thread():
            reading.set()
            go_on.wait(SECONDS)
        return Snapshot(version=1)

    configuration = Configuration(load, lambda: 1)
    reader = threading.Thread(target=configuration.refresh)
    reader.start()
    reading.wait(SECONDS)
    child = os.fork()
    if child == 0:
        answered = threading.Event()
        threading.Timer(SECONDS, lambda: answered.is_set() or os._exit(1)).start()
        version = configuration.current().version
        answered.set()
        os._exit(0 if version == 1 else 2)
    go_on.set()
    reader.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_one_configuration_of_a_process_is_there_before_its_threads_are() -> None:
    script = (
        "import django; django.setup();"
        "from ai_client.configuration import configuration;"
        "assert configuration.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", script], cwd=settings.BASE_DIR, check=True)


def test_the_health_of_what_was_edited_or_removed_is_forgotten(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="one"), site.upstream("openai_chat", name="two"))
    client = default_client()
    for each in client.snapshot().connections:
        client.health.fail(each.id, each.revision, each.model, ServerFailed("500"), 0)
    assert client.health.size == 2
    update_connection(Connection.objects.get(name="one"), model="another")
    assert client.health.size == 1
    site.connect()
    assert client.health.size == 0
