"""Failures that are acts on the socket, streams in hostile shapes, and wrong answers.

What can only happen in a stream has its nearest equivalent in a complete answer: half a body
instead of half a stream, an error body instead of an error event, and none at all (the answer is
right) where a shape means nothing to JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace

from ai_client.simulator.answers import Answer, Finish, Text
from ai_client.simulator.dialect import Place, Problem, StreamEvent
from ai_client.simulator.fault_replies import REPLIES
from ai_client.simulator.faults import Fault
from ai_client.simulator.http_server import Reply
from ai_client.simulator.writing import (
    JSON,
    SSE,
    Encoder,
    Job,
    after_content,
    commented,
    encode,
    over_lines,
    through_content,
    with_line_ends,
)

_MIB = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_MARK = "\ue000"
"""A private character that stands for bytes that are not UTF-8."""
_BROKEN = StreamEvent(b'{"broken": ', Place.CONTENT)
_MIDDLE = 2

Act = Callable[[Job, Fault], Awaitable[None]]


async def act(job: Job, fault: Fault) -> None:
    """Answers ``job`` with ``fault``; raises ``ClientLeft`` when the client goes away."""
    if fault.mode in REPLIES:
        reply = REPLIES[fault.mode](job, fault)
        await job.exchange.reply(replace(reply, headers=(*job.headers, *reply.headers)))
    else:
        await ACTS[fault.mode](job, fault)


async def _ok(job: Job, fault: Fault) -> None:
    await job.write()


# The socket.


async def _hang(job: Job, fault: Fault) -> None:
    await job.exchange.hang()


async def _hang_after_headers(job: Job, fault: Fault) -> None:
    await job.begin()
    await job.exchange.hang()


async def _part_of_it(job: Job, count: int) -> None:
    if job.stream:
        await job.begin()
        for event in through_content(job.events(), count):
            await job.exchange.send(encode(event))
    else:
        body = job.body()
        await job.begin(length=len(body))
        await job.exchange.send(body[: len(body) // 2])
    await job.exchange.delivered()


async def _hang_midstream(job: Job, fault: Fault) -> None:
    await _part_of_it(job, int(fault.number))
    await job.exchange.hang()


async def _reset(job: Job, fault: Fault) -> None:
    job.exchange.reset()


async def _reset_midstream(job: Job, fault: Fault) -> None:
    await _part_of_it(job, int(fault.number))
    job.exchange.reset()


async def _reset_on_reuse(job: Job, fault: Fault) -> None:
    if job.exchange.number > 1:
        job.exchange.reset()
    else:
        await job.write()


async def _close(job: Job, fault: Fault) -> None:
    job.exchange.close()


async def _close_midstream(job: Job, fault: Fault) -> None:
    await _part_of_it(job, int(fault.number))
    job.exchange.close()


async def _bad_http(job: Job, fault: Fault) -> None:
    await job.exchange.raw(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    job.exchange.close()


# Time.


async def _drip(job: Job, fault: Fault) -> None:
    await _byte_by_byte(job, fault.number / 1000)


async def _one_byte(job: Job, fault: Fault) -> None:
    await _byte_by_byte(job, 0)


async def _byte_by_byte(job: Job, pause: float) -> None:
    if job.stream:
        whole = b"".join(encode(event) for event in job.events())
        await job.begin()
    else:
        whole = job.body()
        await job.begin(length=len(whole))
    for at in range(len(whole)):
        if pause:
            await job.exchange.pause(pause)
        await job.exchange.send(whole[at : at + 1])
    if job.stream:
        await job.exchange.finish()


async def _slow(job: Job, fault: Fault) -> None:
    if job.stream:
        await job.write_events(job.events(), pause=fault.number / 1000)
    else:
        await job.exchange.pause(fault.number / 1000)
        await job.write()


async def _slow_headers(job: Job, fault: Fault) -> None:
    await job.exchange.pause(fault.number)
    await job.write()


async def _slow_first_event(job: Job, fault: Fault) -> None:
    await job.begin()
    await job.exchange.pause(fault.number)
    await _rest(job)


async def _silence_pings(job: Job, fault: Fault) -> None:
    await job.begin()
    while True:
        await job.exchange.send(_ping(job))
        await job.exchange.pause(fault.number / 1000)


async def _pings_then_ok(job: Job, fault: Fault) -> None:
    await job.begin()
    for _ in range(int(fault.number)):
        await job.exchange.send(_ping(job))
    await _rest(job)


def _ping(job: Job) -> bytes:
    # White space before JSON is what servers of complete answers keep a connection open with.
    return job.dialect.ping if job.stream else b" "


async def _rest(job: Job) -> None:
    if job.stream:
        for event in job.events():
            await job.exchange.send(encode(event))
    else:
        await job.exchange.send(job.body())
    await job.exchange.finish()


# What is said.


async def _wrong_json(job: Job, fault: Fault) -> None:
    wrong = StreamEvent(b'{"hello": "world"}', Place.CONTENT)
    if job.stream:
        await job.write_events([wrong, wrong])
    else:
        await job.exchange.reply(Reply(200, wrong.data))


async def _cut_json(job: Job, fault: Fault) -> None:
    if job.stream:
        known = list(job.events())
        head = through_content(known, 0)
        cut = encode(known[len(head)])
        await job.begin()
        await job.exchange.send(b"".join(encode(event) for event in head) + cut[: len(cut) // 2])
        await job.exchange.finish()
    else:
        body = job.body()
        await job.exchange.reply(Reply(200, body[: len(body) // 2]))


async def _empty(job: Job, fault: Fault) -> None:
    await job.vacated().answering(lambda answer: answer.without_content(None)).write()


async def _empty_finish(job: Job, fault: Fault) -> None:
    await job.answering(lambda answer: answer.without_content(Finish.STOP)).write()


async def _filter_finish(job: Job, fault: Fault) -> None:
    await job.answering(lambda answer: answer.finished(Finish.FILTERED)).write()


async def _bad_tool_json(job: Job, fault: Fault) -> None:
    def break_calls(answer: Answer) -> Answer:
        if job.dialect.name == "google" and answer.calls:
            return answer.without_content(Finish.MALFORMED_CALL)
        return answer.with_broken_calls()

    await job.answering(break_calls).write()


async def _azure_first_chunk(job: Job, fault: Fault) -> None:
    if job.ask is None or not job.stream:
        notes: dict[str, object] = {"prompt_filter_results": []}
        if job.dialect.name == "openai":
            job = job.answering(lambda answer: replace(answer, notes=notes))
        await job.write()
    else:
        await job.write_events([job.dialect.empty_chunk(job.ask), *job.events()])


async def _usage_only(job: Job, fault: Fault) -> None:
    if job.ask is None or job.answer is None or not job.stream:
        await job.write()
        return
    usage = job.dialect.usage_chunk(job.ask, job.answer)
    known = list(job.events())
    at = 1 if known[0].place is Place.HEAD else 0
    # Anthropic's carries a stop reason too, and a second one would take the first back.
    again = [] if usage.name else [usage]
    await job.write_events([*known[:at], usage, *known[at:-1], *again, known[-1]])


async def _sse_error_first(job: Job, fault: Fault) -> None:
    await _sse_error(job, int(fault.number), 0)


async def _sse_error_later(job: Job, fault: Fault) -> None:
    await _sse_error(job, int(fault.number), _MIDDLE)


async def _sse_error(job: Job, status: int, count: int) -> None:
    problem = Problem(status)
    if job.stream:
        before = through_content(job.events(), count)
        await job.write_events([*before, job.dialect.error_event(problem)])
    else:
        await job.exchange.reply(replace(job.dialect.error(problem), status=200))


async def _truncated(job: Job, fault: Fault) -> None:
    if job.stream:
        await job.write_events(through_content(job.events(), int(fault.number) or 10**9))
    else:
        await _cut_json(job, fault)


async def _no_end_marker(job: Job, fault: Fault) -> None:
    if job.stream:
        await job.write_events(event for event in job.events() if event.place is not Place.END)
    else:
        await _cut_json(job, fault)


async def _malformed_first(job: Job, fault: Fault) -> None:
    await _malformed(job, 0)


async def _malformed_later(job: Job, fault: Fault) -> None:
    await _malformed(job, _MIDDLE)


async def _malformed(job: Job, count: int) -> None:
    if not job.stream:
        await _cut_json(job, Fault("cut-json"))
        return
    # All the rest follows, so that a client that skips what it cannot read seems to succeed.
    known = list(job.events())
    before, after = through_content(known, count), after_content(known, count)
    broken = replace(_BROKEN, name=after[0].name if after else "")
    await job.write_events([*before, broken, *after])


async def _bad_utf8(job: Job, fault: Fault) -> None:
    job = job.answering(lambda answer: answer.saying(("Echo:", " not", f" {_MARK}", " UTF-8")))

    def spoil(data: bytes) -> bytes:
        return data.replace(_MARK.encode(), b"\xff\xfe")

    if job.stream:
        await job.write_events(job.events(), lambda event: spoil(encode(event)))
    else:
        await job.exchange.reply(Reply(200, spoil(job.body())))


# Shapes of a valid stream.


def _shaped(encoder: Encoder, first: bytes = b"") -> Act:
    async def shape(job: Job, fault: Fault) -> None:
        if job.stream:
            await job.write_events(job.events(), encoder, first=first)
        else:
            await job.write()

    return shape


async def _u2028(job: Job, fault: Fault) -> None:
    def separate(answer: Answer) -> Answer:
        said = next(
            (part for one in answer.choices for part in one.parts if isinstance(part, Text)), None
        )
        hostile = (" line\u2028separator", " paragraph\u2029separator", " next\u0085line")
        return answer.saying((*said.pieces, *hostile)) if said else answer

    await job.answering(separate).write()


# Size.


async def _huge_event(job: Job, fault: Fault) -> None:
    size = int(fault.number * _MIB)
    await job.answering(lambda answer: answer.saying(("x" * size,))).write()


async def _huge_body(job: Job, fault: Fault) -> None:
    pieces = ("x" * _MIB,) * int(fault.number)
    await job.answering(lambda answer: answer.saying(pieces)).write()


async def _gzip_bomb(job: Job, fault: Fault) -> None:
    if job.stream:
        filler, end = b":" + b" " * 1022 + b"\n", b"".join(encode(one) for one in job.events())
    else:
        filler, end = b" " * 1024, job.body()
    content_type = SSE if job.stream else JSON
    headers = (*job.headers, ("Content-Encoding", "gzip"))
    await job.exchange.begin(200, content_type, headers=headers)
    for piece in _compressed(filler * 1024, int(fault.number), end):
        await job.exchange.send(piece)
    await job.exchange.finish()


def _compressed(block: bytes, count: int, end: bytes) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for _ in range(count):
        yield packer.compress(block)
    yield packer.compress(end) + packer.flush()


# Plain for stream and stream for plain.


async def _ignore_stream(job: Job, fault: Fault) -> None:
    await job.streaming(False).write()


async def _force_stream(job: Job, fault: Fault) -> None:
    await job.streaming(True).write()


ACTS: dict[str, Act] = {
    "ok": _ok,
    "hang": _hang,
    "hang-after-headers": _hang_after_headers,
    "hang-midstream": _hang_midstream,
    "reset": _reset,
    "reset-midbody": _reset_midstream,
    "reset-midstream": _reset_midstream,
    "reset-on-reuse": _reset_on_reuse,
    "close": _close,
    "close-midstream": _close_midstream,
    "bad-http": _bad_http,
    "wrong-json": _wrong_json,
    "cut-json": _cut_json,
    "empty": _empty,
    "empty-finish": _empty_finish,
    "filter-finish": _filter_finish,
    "azure-first-chunk": _azure_first_chunk,
    "usage-only": _usage_only,
    "sse-error-first": _sse_error_first,
    "sse-error-later": _sse_error_later,
    "truncated": _truncated,
    "no-end-marker": _no_end_marker,
    "malformed-event-first": _malformed_first,
    "malformed-event-later": _malformed_later,
    "bad-utf8": _bad_utf8,
    "crlf": _shaped(with_line_ends(b"\r\n")),
    "cr": _shaped(with_line_ends(b"\r")),
    "multiline": _shaped(over_lines),
    "comments": _shaped(commented),
    "bom": _shaped(encode, first=_BOM),
    "u2028": _u2028,
    "one-byte": _one_byte,
    "huge-event": _huge_event,
    "huge-body": _huge_body,
    "gzip-bomb": _gzip_bomb,
    "ignore-stream": _ignore_stream,
    "force-stream": _force_stream,
    "drip": _drip,
    "slow": _slow,
    "slow-headers": _slow_headers,
    "slow-first-event": _slow_first_event,
    "silence-pings": _silence_pings,
    "pings-then-ok": _pings_then_ok,
    "bad-tool-json": _bad_tool_json,
}


def performed() -> Iterable[str]:
    """The names of all failures that can be performed."""
    return (*REPLIES, *ACTS)
