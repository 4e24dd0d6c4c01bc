"""What every test may use. Nothing here leaves this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import translation

pytest_plugins = ["tests.live_site", "ai_client.testing"]

_LOCAL = ("127.0.0.1", "::1", "localhost")
_DATABASE_FIXTURES = frozenset(("db", "transactional_db", "live_server", "django_db_setup"))
_ABOUT_DIALECTS = (
    "ai_client/scenarios/*.py",
    "ai_client/test_google_media.py",
    "gateway/test_*_sdk*.py",
    "gateway/test_failures_after_commit.py",
    "gateway/test_failures_before_commit.py",
    "gateway/test_failures_in_python.py",
    "gateway/test_google_streams.py",
    "gateway/test_hostile_answers.py",
    "gateway/test_quoted_prompts.py",
    "gateway/test_responses_upstream.py",
    "sdk_matrix/*.py",
)
_BEGUN_FIRST = (
    "sdk_matrix/test_matrix.py",
    "test_second_site.py",
    "gateway/test_endpoints.py",
    "test_canary.py",
    "ai_client/test_commands.py",
    "gateway/test_key_limits.py",
    "ai_client/scenarios/test_scenarios.py",
    "browser/*.py",
    "chaos/test_chaos.py",
)
"""The files that take longest, so that at the end no process is left alone with one of them."""
_MOST_WORKERS = 8
_NEVER_CHANGED = frozenset(("auth_permission", "django_content_type"))
_strangers: list[object] = []


def _refuse_strangers(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOCAL:
        _strangers.append(address)
        raise AssertionError(f"A test tried to reach {address!r}; tests stay on 127.0.0.1.")


def pytest_report_header() -> str:
    """Says which database the run is about."""
    return f"database: {_database()}"


def pytest_sessionstart() -> None:
    """Refuses to pass off a run on SQLite as one with services."""
    if os.environ.get("REQUIRE_SERVICES") == "1" and _database() != "postgresql":
        pytest.exit("REQUIRE_SERVICES=1 needs a PostgreSQL DATABASE_URL.", returncode=2)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What ``-n auto`` means: none for a part of the tests, for each would import everything.

    One more than there are cores, because tests wait a good deal for what they talk to.
    """
    if any(config.getoption(each, False) for each in ("file_or_dir", "keyword", "lf")):
        return 0
    return min((os.cpu_count() or 1) + 1, _MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what uses the database; leaves out what needs a service unless the run asks for it."""
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)
    for item in items:
        if _uses_database(item) and not _is_about_dialects(item):
            item.add_marker("database")
    if os.environ.get("REQUIRE_SERVICES") == "1" or "service" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("service")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _turn(item: pytest.Item) -> int:
    places = enumerate(_BEGUN_FIRST)
    return next((turn for turn, place in places if item.path.match(place)), len(_BEGUN_FIRST))


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db"):
        return True
    if issubclass(getattr(item, "cls", None) or object, TransactionTestCase):
        return True
    return not _DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def _is_about_dialects(item: pytest.Item) -> bool:
    """Whether it looks at what is said to callers and upstreams, whatever the log is kept in."""
    place = item.path.relative_to(Path(__file__).parent)
    return any(place.match(each) for each in _ABOUT_DIALECTS)


def _database() -> str:
    return str(settings.DATABASES["default"]["ENGINE"]).rpartition(".")[2]


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuses connections to anything but this machine, before a packet leaves."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        _refuse_strangers(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        _refuse_strangers(sock, address)
        return connect_ex(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(autouse=True)
def nothing_tried_to_leave() -> Iterator[None]:
    """Fails a test that tried to reach another machine, even where the code hid the refusal."""
    _strangers.clear()
    yield
    assert not _strangers, f"The test tried to reach {_strangers}; tests stay on 127.0.0.1."


@pytest.fixture(autouse=True)
def nobodys_language() -> Iterator[None]:
    """What a request in another language leaves active in this thread ends with its test."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """As pytest-django's; PostgreSQL drops no database that some thread is connected to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _empty_the_tables)
        yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


def _empty_the_tables(case: TransactionTestCase) -> None:
    """Django's own truncates every table and makes all permissions anew: ten times the work."""
    tables = [
        connection.ops.quote_name(each)
        for each in connection.introspection.django_table_names()
        if each not in _NEVER_CHANGED
    ]
    statements = [f"DELETE FROM {each}" for each in tables]
    if connection.vendor == "postgresql":
        # As TRUNCATE waits for whoever still writes, whose rows DELETE would not see.
        statements.insert(0, f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        statements = ["; ".join(statements)]
    with transaction.atomic(), connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)
