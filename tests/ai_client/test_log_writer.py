"""The request log's writer: from the spool to rows, each record once."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection, connections
from django.test import override_settings

from ai_client.log.redaction import MARK, Redactor
from ai_client.log.spool import Spool
from ai_client.log.writer import BATCH, LogWriter, default_writer
from ai_client.messages import TokenUsage
from ai_client.models import GatewayKey, RequestLog
from ai_client.prices import estimate_cost
from ai_client.records import AttemptRecord, Outcome, RequestRecord
from tests.ai_client.request_records import a_record

WAIT = 60.0
ROOT = Path(__file__).parents[2]

NewWriter = Callable[..., LogWriter]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def new_writer(folder: Path) -> Iterator[NewWriter]:
    writers: list[LogWriter] = []

    def make(**options: Any) -> LogWriter:
        options.setdefault("threaded", False)
        writers.append(LogWriter(Spool(folder), **options))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close(WAIT)


def stored() -> list[str]:
    return list(RequestLog.objects.order_by("request_id").values_list("request_id", flat=True))


def leave_behind(folder: Path, *lines: bytes, name: str = "segment-1-dead-1.jsonl") -> None:
    """What a process that has died left in the spool."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(lines))


def store(writer: LogWriter, record: RequestRecord) -> RequestLog:
    writer.append(record)
    assert writer.drain_once() == 1
    return RequestLog.objects.get(request_id=record.request_id)


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*_: object) -> NoReturn:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.django_db
def test_a_record_becomes_a_row(new_writer: NewWriter) -> None:
    key = GatewayKey.objects.create(name="alice", prefix="kn_alice", digest=b"x")
    record = a_record(gateway_key_id=key.pk, gateway_key_name="alice", stream=True, caller="shop")
    row = store(new_writer(), record)
    assert row.created == datetime.fromtimestamp(record.created, UTC)
    assert row.gateway_key == key
    assert row.gateway_key_name == "alice"
    assert row.caller == "shop"
    assert row.dialect == "openai_chat"
    assert row.requested_model == "auto"
    assert row.stream is True
    assert (row.connection, row.connection_uuid) == (record.connection, record.connection_id)
    assert (row.provider, row.model) == ("openai", "gpt-4o-mini")
    assert row.attempts == [
        {
            "connection": "broken",
            "model": "gpt-4o",
            "class": "upstream_error",
            "error": "ServerFailed",
            "status": 500,
            "ms": 11.5,
            "message": "Down.",
        },
        {
            "connection": "primary",
            "model": "gpt-4o-mini",
            "class": "ok",
            "error": "",
            "status": 200,
            "ms": 99.0,
            "message": "",
        },
    ]
    assert row.attempt_count == 2
    assert (row.prompt_tokens, row.completion_tokens, row.total_tokens) == (1000, 100, 1100)
    assert (row.cached_tokens, row.cache_write_tokens, row.thought_tokens) == (500, None, 20)
    assert (row.first_event_ms, row.total_ms) == (80.25, 120.5)
    assert row.outcome == Outcome.SUCCESS
    assert (row.error_code, row.status, row.finish_reason) == ("", 200, "stop")
    assert row.warnings == ["top_k was left out."]


@pytest.mark.django_db
def test_the_cost_is_stored_as_an_estimate(new_writer: NewWriter) -> None:
    record = a_record()
    row = store(new_writer(), record)
    assert row.cost == estimate_cost("openai", ["gpt-4o-mini"], record.usage, record.created)
    assert row.cost is not None
    assert row.cost > 0
    assert row.cost_is_estimate is True


@pytest.mark.django_db
def test_a_model_that_names_itself_oddly_costs_what_was_asked_for(new_writer: NewWriter) -> None:
    row = store(new_writer(), a_record(model="snapshot-of-the-day"))
    assert row.cost == store(new_writer(), a_record()).cost


@pytest.mark.django_db
def test_what_has_no_price_has_no_cost(new_writer: NewWriter) -> None:
    assert store(new_writer(), a_record(price_id=None)).cost is None
    assert store(new_writer(), a_record(usage=None)).prompt_tokens is None


@pytest.mark.django_db
def test_a_refused_request_has_a_row_too(new_writer: NewWriter) -> None:
    row = store(
        new_writer(),
        RequestRecord("req_refused", 0.0, "openai_chat", Outcome.REFUSED, status=401),
    )
    assert (row.outcome, row.status, row.attempts, row.attempt_count) == ("refused", 401, [], 0)


@pytest.mark.django_db
def test_the_same_record_twice_is_one_row(new_writer: NewWriter, folder: Path) -> None:
    writer = new_writer()
    first, second = a_record(), a_record()
    writer.append(first)
    writer.append(second)
    writer.append(first)
    writer.drain_once()
    leave_behind(folder, first.to_json(), b"\n", second.to_json(), b"\n")
    assert writer.drain_once() == 2
    assert stored() == [first.request_id, second.request_id]


@pytest.mark.django_db
def test_a_crash_after_the_commit_and_before_the_delete_stores_nothing_twice(
    new_writer: NewWriter, folder: Path
) -> None:
    writer = new_writer()
    for _ in range(BATCH + 10):
        writer.append(a_record())
    shutil.copytree(folder, folder.with_name("copy"))
    assert writer.drain_once() == BATCH + 10
    for path in folder.with_name("copy").iterdir():
        shutil.copy(path, folder)
    assert writer.drain_once() == BATCH + 10
    assert RequestLog.objects.count() == BATCH + 10


@pytest.mark.django_db
def test_history_outlives_its_gateway_key(new_writer: NewWriter) -> None:
    key = GatewayKey.objects.create(name="alice", prefix="kn_alice", digest=b"x")
    writer = new_writer()
    early = store(writer, a_record(gateway_key_id=key.pk, gateway_key_name="alice"))
    late = a_record(gateway_key_id=key.pk, gateway_key_name="alice")
    writer.append(late)
    key.delete()
    writer.drain_once()
    for row in RequestLog.objects.filter(request_id__in=[early.request_id, late.request_id]):
        assert (row.gateway_key, row.gateway_key_name) == (None, "alice")
    assert RequestLog.objects.count() == 2


@pytest.mark.django_db
def test_what_does_not_fit_is_cut_to_fit(new_writer: NewWriter) -> None:
    row = store(
        new_writer(),
        a_record(
            requested_model="m" * 10_000,
            model="a\0b",
            finish_reason="f" * 1000,
            warnings=("w\0w",),
            attempts=(AttemptRecord("c", "m", "ok", 1.0, message="x\0y"),),
            usage=TokenUsage(-5, 2**63, 10**30),
            status=10**9,
            first_event_ms=float("inf"),
            total_ms=float("nan"),
            price_id=None,
        ),
    )
    assert row.requested_model == "m" * 255
    assert row.model == "ab"
    assert row.warnings == ["ww"]
    assert row.attempts[0]["message"] == "xy"
    assert row.prompt_tokens == 0
    assert row.completion_tokens == row.total_tokens == 2**63 - 1
    assert row.status is not None
    assert row.first_event_ms is None
    assert row.total_ms == 0.0


@pytest.mark.django_db
def test_lines_that_are_no_records_are_put_aside(
    new_writer: NewWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = a_record()
    leave_behind(folder, b"nonsense\n", good.to_json(), b"\n", b'{"request_id": 5}\n')
    assert new_writer().drain_once() == 1
    assert stored() == [good.request_id]
    assert (folder / "rejected.jsonl").read_bytes() == b'nonsense\n{"request_id": 5}\n'
    assert "2 records could not be stored" in caplog.text
    assert list(folder.glob("segment-*")) == []


@pytest.mark.django_db
def test_a_record_that_cannot_be_a_row_does_not_hold_up_the_others(
    new_writer: NewWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = new_writer()
    before, impossible, after = a_record(), a_record(created=1e18), a_record()
    for record in (before, impossible, after):
        writer.append(record)
    assert writer.drain_once() == 2
    assert stored() == [before.request_id, after.request_id]
    assert (folder / "rejected.jsonl").read_bytes() == impossible.to_json() + b"\n"
    assert "put aside" in caplog.text


@pytest.mark.django_db
def test_a_last_record_that_was_cut_is_left_out_with_a_warning(
    new_writer: NewWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, cut = a_record(), a_record()
    leave_behind(folder, whole.to_json(), b"\n", cut.to_json()[:-5])
    assert new_writer().drain_once() == 1
    assert stored() == [whole.request_id]
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]
    assert "cut" in caplog.text


@pytest.mark.django_db
def test_a_last_record_that_only_lacks_its_line_end_is_stored(
    new_writer: NewWriter, folder: Path
) -> None:
    record = a_record()
    leave_behind(folder, record.to_json())
    new_writer().drain_once()
    assert stored() == [record.request_id]


@pytest.mark.django_db
def test_while_the_database_is_away_records_wait(new_writer: NewWriter) -> None:
    writer = new_writer()
    records = [a_record() for _ in range(3)]
    writer.append(records[0])
    with database_away():
        for record in records[1:]:
            with pytest.raises(OperationalError):
                writer.drain_once()
            writer.append(record)
    assert stored() == []
    assert writer.drain_once() == 3
    assert stored() == [record.request_id for record in records]


@pytest.mark.django_db
def test_many_records_are_stored_in_batches(
    new_writer: NewWriter, django_assert_max_num_queries: Any
) -> None:
    writer = new_writer()
    for _ in range(2 * BATCH + 1):
        writer.append(a_record())
    with django_assert_max_num_queries(12):  # a savepoint, its release, two statements each
        assert writer.drain_once() == 2 * BATCH + 1
    assert RequestLog.objects.count() == 2 * BATCH + 1


@pytest.mark.django_db
def test_no_key_reaches_the_disk_or_the_database(new_writer: NewWriter, folder: Path) -> None:
    secret = "a-key-that-nobody-should-see"
    writer = new_writer(redactor=Redactor([secret]))
    attempt = AttemptRecord("c", "m", "upstream_auth", 1.0, "KeyRejected", 401, f"bad {secret}")
    writer.append(
        a_record(requested_model=secret, attempts=(attempt,), warnings=(f"x-api-key: {secret}",))
    )
    (segment,) = folder.glob("segment-*")
    assert secret.encode() not in segment.read_bytes()
    writer.drain_once()
    row = RequestLog.objects.get()
    assert row.requested_model == MARK
    assert row.attempts[0]["message"] == f"bad {MARK}"


def test_a_log_that_cannot_be_written_never_fails_a_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = LogWriter(Spool(tmp_path / "file"), threaded=False)
    writer.append(a_record())
    writer.append(a_record(warnings=None))
    assert writer.spool.dropped == 1
    assert "cannot be written" in caplog.text
    assert "could not be logged" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_thread_stores_what_is_appended(new_writer: NewWriter) -> None:
    writer = new_writer(threaded=True)
    records = [a_record() for _ in range(5)]
    for record in records:
        writer.append(record)
    assert writer.flush(WAIT)
    assert stored() == [record.request_id for record in records]


@pytest.mark.django_db(transaction=True)
def test_a_full_batch_does_not_wait_for_the_interval(new_writer: NewWriter, folder: Path) -> None:
    writer = new_writer(threaded=True, interval=1.0)
    assert writer.flush(WAIT)
    thread = LogWriter(writer.spool, threaded=False)
    for _ in range(BATCH + 1):
        writer.append(a_record())
    assert writer.flush(WAIT)
    assert RequestLog.objects.count() == BATCH + 1
    assert thread.drain_once() == 0


@pytest.mark.django_db(transaction=True)
def test_closing_stores_what_is_left(new_writer: NewWriter, folder: Path) -> None:
    writer = new_writer(threaded=True, interval=600.0)
    record = a_record()
    writer.append(record)
    writer.close(WAIT)
    assert stored() == [record.request_id]
    assert list(folder.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_writer_starts_again_after_it_was_closed(new_writer: NewWriter) -> None:
    writer = new_writer(threaded=True)
    for record in (a_record(), a_record()):
        writer.append(record)
        writer.close(WAIT)
    assert RequestLog.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_starting_stores_what_a_dead_process_left(new_writer: NewWriter, folder: Path) -> None:
    record = a_record()
    leave_behind(folder, record.to_json(), b"\n")
    writer = new_writer(threaded=True)
    writer.start()
    assert writer.flush(WAIT)
    assert stored() == [record.request_id]


@pytest.mark.django_db(transaction=True)
def test_the_thread_outlives_an_outage(
    new_writer: NewWriter, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failed.set()

    table = RequestLog._meta.db_table
    watch = Watch()
    logging.getLogger("ai_client.log.writer").addHandler(watch)
    try:
        with connection.schema_editor() as editor:
            editor.alter_db_table(RequestLog, table, f"{table}_away")
        try:
            writer = new_writer(threaded=True, interval=0.01)
            record = a_record()
            writer.append(record)
            assert failed.wait(WAIT)
            assert not writer.flush(0.05)
        finally:
            with connection.schema_editor() as editor:
                editor.alter_db_table(RequestLog, f"{table}_away", table)
        assert writer.flush(WAIT)
        assert stored() == [record.request_id]
        assert len([entry for entry in caplog.records if entry.levelname == "ERROR"]) == 1
        assert "records wait in" in caplog.text
    finally:
        logging.getLogger("ai_client.log.writer").removeHandler(watch)


@pytest.mark.django_db(transaction=True)
def test_the_thread_deletes_what_is_past_its_retention(new_writer: NewWriter) -> None:
    now = datetime.now(UTC)
    old, new = (a_record(created=(now - timedelta(days=days)).timestamp()) for days in (31, 29))
    forever = new_writer()
    for record in (old, new):
        forever.append(record)
    forever.drain_once()
    writer = new_writer(threaded=True, retention_days=lambda: 30)
    writer.start()
    assert writer.flush(WAIT)
    assert stored() == [new.request_id]


@pytest.mark.django_db(transaction=True)
def test_without_a_retention_rows_are_kept_for_ever(new_writer: NewWriter) -> None:
    writer = new_writer(threaded=True, retention_days=lambda: 0)
    record = a_record(created=0.0)
    writer.append(record)
    assert writer.flush(WAIT)
    assert writer.flush(WAIT)
    assert stored() == [record.request_id]


@pytest.mark.django_db(transaction=True)
def test_processes_that_replay_at_once_store_each_record_once(
    new_writer: NewWriter, folder: Path
) -> None:
    records = [a_record() for _ in range(300)]
    for number, record in enumerate(records):
        leave_behind(folder, record.to_json(), b"\n", name=f"segment-{number}-x-1.jsonl")
    barrier = threading.Barrier(3)
    counts: list[int] = []

    def replay() -> None:
        barrier.wait(WAIT)
        try:
            counts.append(new_writer().drain_once())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=replay) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert sum(counts) == 300
    assert stored() == [record.request_id for record in records]


CHILD = """
import itertools, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[1]
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[2]
import django
django.setup()
from ai_client.log.spool import Spool
from ai_client.log.writer import LogWriter
from ai_client.records import Outcome, RequestRecord
def record(name):
    return RequestRecord(name, 1_780_000_000.0, "openai_chat", Outcome.SUCCESS)
writer = LogWriter(Spool(sys.argv[3]), interval=0.005)
"""


def child(program: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process of the site with a ``writer`` on the folder, in the database of the tests."""
    from django.conf import settings

    arguments = [settings.SETTINGS_MODULE, str(connection.settings_dict["NAME"]), str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + program, *arguments], stdout=subprocess.PIPE, cwd=ROOT
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("acknowledgements", [1, 700, 3000])
def test_kill_9_loses_nothing_that_was_acknowledged_and_doubles_nothing(
    new_writer: NewWriter, folder: Path, acknowledgements: int
) -> None:
    program = """
for number in itertools.count():
    name = f"killed-{number:08d}"
    writer.append(record(name))
    os.write(1, name.encode() + b"\\n")
"""
    acknowledged = []
    with child(program, folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged.append(line.decode().strip())
            if len(acknowledged) == acknowledgements:
                os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    new_writer().drain_once()
    names = stored()
    assert names[: len(acknowledged)] == acknowledged
    assert len(names) - len(acknowledged) in (0, 1)
    assert list(folder.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_stores_its_records_first(folder: Path) -> None:
    with child('for n in "ab": writer.append(record(n))', folder) as process:
        pass
    assert process.returncode == 0
    assert stored() == ["a", "b"]
    assert list(folder.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_forked_worker_has_a_thread_of_its_own(folder: Path) -> None:
    program = """
writer.append(record("parent-1"))
if os.fork() == 0:
    writer.append(record("child"))
    os._exit(0 if writer.flush(60) else 1)
code = os.waitstatus_to_exitcode(os.wait()[1])
writer.append(record("parent-2"))
writer.close(60)
raise SystemExit(code)
"""
    with child(program, folder) as process:
        pass
    assert process.returncode == 0
    assert stored() == ["child", "parent-1", "parent-2"]


@pytest.mark.django_db
def test_the_process_has_one_writer_as_the_settings_say(folder: Path) -> None:
    record = a_record()
    default_writer.cache_clear()
    with override_settings(AI_CLIENT={"SPOOL_DIR": str(folder), "LOG_WRITER": "manual"}):
        default_writer().append(record)
        assert len(list(folder.glob("segment-*"))) == 1
        assert default_writer().flush()
        default_writer().close()
    default_writer.cache_clear()
    assert stored() == [record.request_id]


def test_money_is_not_rounded_away() -> None:
    cost = estimate_cost("openai", ["gpt-4o-mini"], TokenUsage(1, 0, 1), 1_780_000_000.0)
    assert cost is not None
    assert cost.quantize(Decimal("1e-10")) == cost
