"""The spool: segments, their owners, full and broken disks."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ai_client.log.spool import Spool

WAIT = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not-yet" / "spool"


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns so often that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def new_spool(folder: Path) -> Iterator[Callable[..., Spool]]:
    spools: list[Spool] = []

    def make(**options: int) -> Spool:
        spools.append(Spool(folder, **options))
        return spools[-1]

    yield make
    for spool in spools:
        spool.close()


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("segment-*"))


def take_all(spool: Spool) -> list[bytes]:
    """Everything the spool would hand to the database, which then is taken for stored."""
    lines = []
    spool.adopt()
    for _ in range(2):
        for segment in spool.seal():
            lines += [line for line, _ in segment.lines()]
            spool.remove(segment)
    return lines


def child(program: str, folder: Path) -> subprocess.Popen[bytes]:
    """A Python process with a ``spool`` on the folder, which talks through its pipes."""
    opening = f"from ai_client.log.spool import Spool; spool = Spool({str(folder)!r})\n"
    return subprocess.Popen(
        [sys.executable, "-c", opening + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def test_what_is_appended_comes_out_once_in_order(new_spool: Callable[..., Spool]) -> None:
    spool = new_spool()
    records = [b"%d" % number for number in range(1000)]
    assert all(spool.append(record) for record in records)
    assert take_all(spool) == records
    assert take_all(spool) == []


def test_nothing_is_on_disk_before_the_first_record(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    spool = new_spool()
    assert take_all(spool) == []
    assert not folder.exists()


def test_folder_and_files_are_for_their_owner_alone(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    new_spool().append(b"x")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in segments(folder)] == [0o600]


def test_a_segment_stays_on_disk_until_it_is_removed(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    spool = new_spool()
    spool.append(b"x")
    (segment,) = spool.seal()
    assert segment.path.read_bytes() == b"x\n"
    spool.remove(segment)
    assert not segment.path.exists()


def test_records_appended_while_a_segment_is_stored_go_to_the_next(
    new_spool: Callable[..., Spool],
) -> None:
    spool = new_spool()
    spool.append(b"one")
    (segment,) = spool.seal()
    spool.append(b"two")
    assert [line for line, _ in segment.lines()] == [b"one"]
    spool.remove(segment)
    assert take_all(spool) == [b"two"]


def test_an_outage_does_not_make_a_file_per_attempt(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    spool = new_spool()
    for _ in range(20):
        spool.append(b"x")
        spool.seal()
    assert len(segments(folder)) == 2


def test_a_large_segment_is_closed_even_in_an_outage(new_spool: Callable[..., Spool]) -> None:
    spool = new_spool(segment_bytes=100)
    spool.append(b"x")
    spool.seal()
    spool.append(b"y" * 200)
    assert len(spool.seal()) == 2


def test_the_segment_of_a_living_process_is_left_alone(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    process = child("spool.append(b'theirs'); print(flush=True); input()", folder)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        spool = new_spool()
        assert take_all(spool) == []
        process.kill()
    assert take_all(spool) == [b"theirs"]
    assert segments(folder) == []


def test_a_segment_is_adopted_by_one_process_only(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    old = new_spool()
    old.append(b"x")
    old.close()
    first, second = new_spool(), new_spool()
    assert (first.adopt(), second.adopt()) == (1, 0)
    (segment,) = first.seal()
    assert segment.orphan
    first.remove(segment)
    assert second.adopt() == 0


def test_a_segment_that_is_stored_while_we_reach_for_it_is_left_alone(
    new_spool: Callable[..., Spool], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    path = folder / "segment-1-x-1.jsonl"
    path.write_bytes(b"x\n")
    lock = fcntl.flock

    def delete_first(descriptor: int, operation: int) -> None:
        path.unlink(missing_ok=True)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    assert new_spool().adopt() == 0


def test_a_closed_spool_can_be_used_again(new_spool: Callable[..., Spool]) -> None:
    spool = new_spool()
    spool.append(b"one")
    spool.close()
    spool.append(b"two")
    assert sorted(take_all(spool)) == [b"one", b"two"]


def test_closing_an_unused_segment_leaves_no_file(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    spool = new_spool()
    spool.append(b"x")
    take_all(spool)
    spool.close()
    assert segments(folder) == []


@pytest.mark.usefixtures("hasty_threads")
def test_many_threads_write_whole_lines(new_spool: Callable[..., Spool]) -> None:
    spool = new_spool()
    records = [[f"{name}:{number}".encode() * 50 for number in range(200)] for name in range(8)]
    taken: list[bytes] = []
    done = threading.Event()

    def write(mine: list[bytes]) -> None:
        for record in mine:
            assert spool.append(record)

    def take() -> None:
        while not done.is_set():
            taken.extend(take_all(spool))

    taker = threading.Thread(target=take)
    writers = [threading.Thread(target=write, args=(mine,)) for mine in records]
    taker.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(WAIT)
    done.set()
    taker.join(WAIT)
    taken += take_all(spool)
    assert sorted(taken) == sorted(record for mine in records for record in mine)


def test_a_forked_child_writes_to_a_segment_of_its_own(folder: Path) -> None:
    program = """
import os
spool.append(b"parent before")
if os.fork() == 0:
    spool.append(b"child")
    os._exit(0)
os.wait()
spool.append(b"parent after")
"""
    with child(program, folder) as process:
        pass
    assert process.returncode == 0
    contents = sorted(path.read_bytes() for path in segments(folder))
    assert contents == [b"child\n", b"parent before\nparent after\n"]


def test_a_child_that_lives_on_does_not_keep_its_parents_segment_locked(
    new_spool: Callable[..., Spool], folder: Path
) -> None:
    program = """
import os, signal
spool.append(b"parent")
if os.fork() == 0:
    print(flush=True)
    input()
    os._exit(0)
os.wait()
"""
    with child(program, folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait(WAIT)
        assert take_all(new_spool()) == [b"parent"]


def test_a_cut_line_is_handed_out_as_cut(new_spool: Callable[..., Spool], folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "segment-1-x-1.jsonl").write_bytes(b"one\n\ntwo\nthr")
    spool = new_spool()
    spool.adopt()
    (segment,) = spool.seal()
    assert list(segment.lines()) == [(b"one", True), (b"two", True), (b"thr", False)]


def test_lines_longer_than_a_read_are_put_together(new_spool: Callable[..., Spool]) -> None:
    spool = new_spool()
    records = [b"a" * 3_000_000, b"b", b"c" * 1_048_575, b"d"]
    for record in records:
        spool.append(record)
    assert take_all(spool) == records


def test_a_full_spool_drops_new_records_keeps_old_ones_and_says_so_once(
    new_spool: Callable[..., Spool], caplog: pytest.LogCaptureFixture
) -> None:
    spool = new_spool(max_bytes=10)
    assert spool.append(b"12345")
    assert [spool.append(b"12345") for _ in range(3)] == [False] * 3
    assert spool.dropped == 3
    assert [entry.levelno for entry in caplog.records] == [logging.ERROR]
    assert "full" in caplog.text
    assert take_all(spool) == [b"12345"]
    assert spool.append(b"67890")


def test_the_records_of_other_processes_count_towards_the_limit(
    new_spool: Callable[..., Spool],
) -> None:
    other = new_spool()
    other.append(b"12345")
    spool = new_spool(max_bytes=10)
    spool.adopt()
    assert not spool.append(b"12345")


def test_a_folder_that_cannot_be_made_costs_records_not_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool")
    assert [spool.append(b"x") for _ in range(3)] == [False] * 3
    assert spool.dropped == 3
    assert len(caplog.records) == 1
    assert "cannot be written" in caplog.text


def test_after_a_write_that_was_cut_the_next_record_is_whole(folder: Path) -> None:
    program = """
import os, resource
# The limit would cut what is said about it too, where the output goes to a file.
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 100))
kept = [spool.append(b"12345"), spool.append(b"ABCDEFGH")]
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
kept.append(spool.append(b"67890"))
raise SystemExit(0 if kept == [True, False, True] and spool.dropped == 1 else str(kept))
"""
    with child(program, folder) as process:
        pass
    assert process.returncode == 0
    (path,) = segments(folder)
    assert path.read_bytes().split(b"\n") == [b"12345", b"ABCD", b"67890", b""]


def test_rejected_lines_are_kept_for_a_human(new_spool: Callable[..., Spool], folder: Path) -> None:
    spool = new_spool()
    spool.append(b"x")
    spool.reject([b"bad", b"worse"])
    spool.reject([b"worst"])
    assert (folder / "rejected.jsonl").read_bytes() == b"bad\nworse\nworst\n"
    assert take_all(spool) == [b"x"]


def test_a_link_is_not_followed(new_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = new_spool()
    spool.append(b"x")
    (tmp_path / "precious").write_text("data")
    (spool.directory / "segment-1-x-1.jsonl").symlink_to(tmp_path / "precious")
    assert spool.adopt() == 0
    assert (tmp_path / "precious").read_text() == "data"


def test_kill_9_loses_no_acknowledged_record(new_spool: Callable[..., Spool], folder: Path) -> None:
    program = """
import itertools
for number in itertools.count():
    spool.append(b"%d" % number)
    print(number, flush=True)
"""
    acknowledged = []
    with child(program, folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged.append(line.strip())
            if len(acknowledged) == 500:
                os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    stored = take_all(new_spool())
    assert stored[: len(acknowledged)] == acknowledged
    assert len(stored) - len(acknowledged) in (0, 1)
