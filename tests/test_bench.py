"""What the measurements rest on, without timing anything: parsing, arithmetic, order, clean-up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import gate, goals, report
from bench.bare_proxy import BareProxy
from bench.canned import DIALECTS, EVENTS, Dialect, body, events, is_whole, up_to_first_text
from bench.closed_loop import AnswerReader, request_bytes
from bench.load import Request, Result, closed_loop, has_wrk, load, parse_result, percentile
from bench.log_rows import rendered as rendered_log
from bench.measuring import Figures, Found, Measure, is_answer
from bench.memory import Soaked
from bench.processes import BenchError, Running, cores, ended_by_signals, running
from bench.report import PLAIN_MANY, PLAIN_ONE, STREAMED_MANY, Comparison, Footing
from bench.servers import ask
from bench.streams import Ended, OpenStreams, is_in_order
from bench.upstream import HELD_EVENTS, held_piece, running_upstream
from bench.workers import Scaling
from bench.workloads import PLAIN, STREAMED, Workload
from tests.live_site import serving
from tests.source_tree import ROOT

WITH_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def figures(rate: float, *, p50: float = 0.001, cpu: float = 0.0001) -> Figures:
    return Figures([Result(int(rate * 2), 2.0, p50, p50 * 3)], [cpu])


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.01) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_so_many_values_do_not_exceed_a_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(each <= found for each in values) >= share * len(values)
    assert sum(each < found for each in values) < share * len(values)


def test_the_result_of_a_load_generator_is_found_in_its_output() -> None:
    line = 'RESULT {"requests": 30, "seconds": 2.0, "p50": 0.001, "p99": 0.002, "failed": 1}'
    result = parse_result(f"Running 2s test\n  32 connections\n{line}\nbye\n")
    assert (result.requests, result.rate, result.p99, result.failed) == (30, 15.0, 0.002, 1)


def test_output_without_a_result_is_quoted() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse_result("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.skipif(not has_wrk(), reason="wrk is not installed")
def test_wrk_sends_the_question_and_tells_what_came_of_it() -> None:
    with running_upstream() as port:
        url = f"http://127.0.0.1:{port}/openai/plain/v1/chat/completions"
        result = load(PLAIN.request(url, "m", {"x-one": "1"}), callers=2, seconds=1, on=cores())
    assert result.requests > 0
    assert 0 < result.p50 <= result.p99


@pytest.mark.parametrize("kind", ["plain", "streamed", "paced"])
def test_our_generator_counts_answers_to_their_end(kind: str) -> None:
    workload = Workload("openai", kind)  # type: ignore[arg-type]
    with running_upstream() as port:
        url = f"http://127.0.0.1:{port}/openai/{kind}/v1/chat/completions"
        status, answer = ask(workload.request(url, "m"))
        result = closed_loop(workload.request(url, "m"), callers=3, seconds=0.2, on=cores())
    assert status == 200
    assert is_answer(answer, workload)
    assert result.requests >= 3
    assert result.p99 >= result.p50 >= result.first_text
    assert bool(result.first_text) == workload.stream


def test_answers_that_are_no_success_end_a_measurement() -> None:
    async def refusing(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 429, "headers": []})  # type: ignore[operator]
            await send({"type": "http.response.body", "body": b"no"})  # type: ignore[operator]

    with serving(refusing) as origin, pytest.raises(BenchError, match="failed"):
        closed_loop(PLAIN.request(f"{origin}/", "m"), callers=1, seconds=0.1, on=cores())


ANSWERS = {
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b'data: "piece 0 ",   ',
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b'10\r\ndata: "piece 0 "\r\n0\r\n\r\n',
    "no chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_complete_with_its_last_byte_however_it_arrives(
    answer: bytes, size: int
) -> None:
    reader = AnswerReader()
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert [reader.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert reader.status == 200
    assert reader.has_text == (b"piece" in answer)


def test_a_request_is_written_with_its_length_and_headers() -> None:
    host, port, sent = request_bytes("http://127.0.0.1:81/v1/x", "é", {"x-one": "1"})
    assert (host, port) == ("127.0.0.1", 81)
    head, _, content = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:81\r\n")
    assert b"content-length: 2" in head
    assert head.endswith(b"\r\nx-one: 1")
    assert content == "é".encode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_has_an_answer_and_so_many_events(dialect: Dialect) -> None:
    assert json.loads(body(dialect))
    found = events(dialect)
    assert len(found) == EVENTS
    assert all(each.endswith((b"\n\n", b"\r\n\r\n")) for each in found)
    begun, rest = up_to_first_text(found)
    assert b"piece 0 " in begun[-1]
    assert [*begun, *rest] == found


def test_a_stream_that_lacks_an_event_or_has_two_swapped_is_not_whole() -> None:
    found = events("openai")
    assert is_whole(b"".join(found), "openai")
    assert not is_whole(b"".join(found[:50] + found[51:]), "openai")
    assert not is_whole(b"".join([*found[:50], found[51], found[50], *found[52:]]), "openai")


def held_answer(numbers: list[int], *, end: bytes = b"data: [DONE]\n\n") -> bytes:
    said = [b'data: {"content":"%s"}\n\n' % held_piece(number).encode() for number in numbers]
    chunks = [b"%x\r\n%s\r\n" % (len(each), each) for each in (*said, end) if each]
    return b"HTTP/1.1 200 OK\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def test_a_held_stream_is_in_order_with_all_its_events_and_its_end() -> None:
    numbers = list(range(HELD_EVENTS))
    assert is_in_order(held_answer(numbers))
    assert not is_in_order(held_answer(numbers[:-1]))
    assert not is_in_order(held_answer([*numbers[:3], numbers[4], numbers[3], *numbers[5:]]))
    assert not is_in_order(held_answer(numbers, end=b""))
    assert not is_in_order(held_answer(numbers).removesuffix(b"0\r\n\r\n"))
    assert not is_in_order(held_answer(numbers).replace(b" 200 ", b" 500 "))


def test_the_bare_proxy_forwards_and_answers() -> None:
    with running_upstream() as port:
        origin = f"http://127.0.0.1:{port}"
        with serving(BareProxy(origin, origin)) as bare:
            for workload in (PLAIN, STREAMED):
                url = f"{bare}/openai/{workload.kind}/v1/chat/completions"
                status, answer = ask(workload.request(url, "m"))
                assert status == 200
                assert is_answer(answer, workload)


def deaf_family() -> tuple[str, ...]:
    """A process that starts another one; both ignore being asked to end."""
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        'print("here", flush=True); time.sleep(600)'
    )
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {deaf!r}]); {deaf}"
    return (sys.executable, "-c", parent)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_for_family(process: Running) -> list[int]:
    until = time.monotonic() + 30
    while process.output.read_text().count("here") < 2:
        process.require()
        assert time.monotonic() < until
        os.sched_yield()
    return process.pids


@WITH_PROC
def test_processes_and_their_children_end_with_the_block_even_when_deaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.processes.SECONDS_TO_END", 0.1)
    output = tmp_path / "output.txt"
    pids = []

    def interrupted() -> None:
        with running("deaf", deaf_family(), on=cores().all, env={}, output=output) as process:
            pids.extend(wait_for_family(process))
            assert process.resident_bytes() > 1_000_000
            assert process.cpu_seconds() >= 0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(pids) == 2
    until = time.monotonic() + 30
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < until
        os.sched_yield()


@WITH_PROC
def test_a_process_that_ended_by_itself_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('port taken')")
    output = tmp_path / "output.txt"
    with running("broken", command, on=cores().all, env={}, output=output) as process:
        process.process.wait(30)
        with pytest.raises(BenchError, match="broken ended with 1:\nport taken"):
            process.require()


def test_a_signal_unwinds_the_program_and_its_processes() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left, ended_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert left.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


@WITH_PROC
def test_the_upstream_ends_when_whoever_measures_is_killed() -> None:
    script = (
        "import time\nfrom bench.upstream import running_upstream\n"
        "with running_upstream() as port:\n    print(port, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as bench:
        assert bench.stdout is not None
        port = int(bench.stdout.readline())
        bench.kill()
    request = Request(f"http://127.0.0.1:{port}/", b"{}")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            ask(request, timeout=5)
        except OSError:
            return
    pytest.fail("It still answers.")


def comparison() -> Comparison:
    found: Found = {
        ("upstream", PLAIN_MANY): figures(70_000, cpu=0.0),
        ("upstream", PLAIN_ONE): figures(40_000, p50=0.0001, cpu=0.0),
        ("gateway", PLAIN_MANY): figures(5_000),
        ("gateway", PLAIN_ONE): figures(2_000, p50=0.0006),
        ("gateway", report.TRANSLATED_MANY[0]): figures(4_000),
        ("litellm", PLAIN_MANY): figures(100),
        ("litellm", STREAMED_MANY): figures(17.5),
    }
    return Comparison(
        ["upstream", "gateway", "litellm"],
        found,
        {"gateway": Footing(1.5, 120_000_000, 12_345)},
        notes=["Portkey took no part. There is no Node."],
    )


def rows(text: str) -> dict[str, list[list[str]]]:
    """The rows of all tables, by their first cell."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("|"):
            first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            found.setdefault(first, []).append(cells)
    return found


def test_the_table_has_a_row_per_server_and_a_dash_for_what_it_did_not_do() -> None:
    found = rows(report.rendered(comparison()))
    assert found["**this gateway**"][0] == [
        *("5,000", "1.00", "3.00", "100", "0.60", "1.80", "0.50"),
    ]
    assert found["**this gateway**"][1] == ["4,000", "-", "-", "-", "-", "-"]
    assert found["**this gateway**"][2] == ["1.5", "120", "12,345"]
    assert found["LiteLLM"][1] == ["-", "-", "17.5", "-", "-", "-"]
    assert found["the upstream alone"][0][3] == "-"
    assert "- Portkey took no part. There is no Node." in report.rendered(comparison())


def test_the_figures_of_a_server_are_the_medians_of_its_rounds() -> None:
    rounds = [Result(100, 1.0, 0.3, 0.9), Result(900, 1.0, 0.1, 0.2), Result(300, 1.0, 0.2, 0.4)]
    found = Figures(rounds, [3.0, 1.0, 2.0])
    assert (found.rate, found.p50, found.p99, found.cpu_per_request) == (300, 0.2, 0.4, 2.0)
    assert found.requests == 1300


def test_goals_say_what_was_reached_and_what_was_not() -> None:
    found = {
        each.what: (each.goal, each.found, each.met)
        for each in goals.goals(
            comparison(),
            Soaked(10_000, 120_000_000, 100_000, 131_000_000, 0, 0.0),
            OpenStreams(Ended(2000, 2000, 1), 40_000.0),
            Scaling(1.2, 1.9, shared=True),
        )
    }
    assert found["requests/s, times LiteLLM"] == ("≥ 55", "50", False)
    assert found["p50 added, one caller, ms"] == ("≤ 0.4", "0.5", False)
    assert found["requests/s to anthropic, of those without translation"] == ("≥ 0.7", "0.8", True)
    assert found["start to first answer, s"] == ("≤ 2", "1.5", True)
    assert found["resident after 100,000 requests, MB"] == ("≤ 130", "131", False)
    assert found["grown since 10,000 requests, MB"] == ("≤ 5", "11", False)
    assert found["streams open at once"] == ("≥ 2,000", "2,000", True)
    assert found["resident for each of them, kB"] == ("≤ 60", "40", True)
    assert found["of them with an event lost or out of place"] == ("≤ 0", "1", False)
    (workers,) = (found[what] for what in found if "two workers" in what)
    assert workers == ("≥ 1.8", "1.9", True)
    assert not any("Portkey" in what for what in found)


def test_tables_go_between_their_markers_again_and_again(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# A\n\n<!-- x: begin -->\n<!-- x: end -->\n\nB\n")
    for text in ("first", "second"):
        report.write(text, "x", document)
    expected = "# A\n\n<!-- x: begin -->\n\nsecond\n\n<!-- x: end -->\n\nB\n"
    assert document.read_text() == expected
    with pytest.raises(BenchError, match=r"performance\.md has no lines <!-- y: begin -->"):
        report.write("third", "y", document)
    assert document.read_text() == expected


def test_the_document_has_the_markers_that_are_written_between(tmp_path: Path) -> None:
    copy = tmp_path / "performance.md"
    shutil.copy(report.DOCUMENT, copy)
    for section in ("bench", "bench-log"):
        report.write(f"of {section}", section, copy)
        assert f"of {section}" in copy.read_text()


def test_the_log_pages_table_has_a_column_pair_per_database() -> None:
    times = [0.01] * 38 + [0.2] * 2
    text = rendered_log({"SQLite": {"log": times}, "PostgreSQL": {"log": [0.3] * 40}}, 1_000_000)
    assert rows(text)["log"] == [["10", "10", "yes", "300", "300", "**no**"]]
    assert "1,000,000 rows" in text
    assert os.uname().nodename not in text


def gate_round(cpu: float) -> Found:
    found: Found = {}
    for ratio in gate.RATIOS.values():
        found[("gateway", ratio.measure)] = figures(1000, cpu=cpu)
        found[(ratio.over, ratio.base)] = figures(1000, cpu=cpu)
    for name in ("plain over the bare proxy", "streamed over the bare proxy"):
        found[("bare", gate.RATIOS[name].base)] = figures(1000, cpu=cpu / 4)
    return found


def test_the_gate_takes_the_median_of_cpu_time_ratios() -> None:
    found = gate.ratios([gate_round(0.004), gate_round(0.001), gate_round(0.002)])
    assert found["plain over the bare proxy"] == pytest.approx(0.25)
    assert found["plain to google"] == pytest.approx(1)


def test_the_gate_needs_every_measure() -> None:
    found = gate_round(0.001)
    del found[("bare", PLAIN_MANY)]
    with pytest.raises(BenchError, match="bare did not answer openai-plain"):
        gate.ratios([found])


def test_the_gate_names_what_has_become_slower() -> None:
    bounds = {"plain to google": 0.7, "plain to anthropic": 0.7, "gone": 0.1}
    sentences = gate.missed({"plain to google": 0.65, "plain to anthropic": 0.7}, bounds)
    assert sentences[0] == "plain to google: 0.650, and at least 0.700 is demanded."
    assert sentences[1].startswith("gone: nothing of that name")
    assert len(sentences) == 2


def test_each_ratio_has_a_bound() -> None:
    assert tomllib.loads(gate.BOUNDS.read_text()).keys() == gate.RATIOS.keys()


def test_measures_are_told_apart_by_workload_and_callers() -> None:
    assert len({*report.MEASURES}) == len(report.MEASURES)
    assert Measure(PLAIN, 32) == PLAIN_MANY != PLAIN_ONE
