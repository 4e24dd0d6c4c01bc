"""Server-sent events: the standard's examples, any chunking, nothing lost.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.sse import Decoder, EventTooLarge, ServerSentEvent, comment, encode


def decoded(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def data_of(*chunks: bytes) -> list[str]:
    return [event.data for event in decoded(*chunks)]


def test_lines_of_data_join_with_a_line_feed() -> None:
    assert data_of(b"data: YHOO\ndata: +2\ndata: 10\n\n") == ["YHOO\n+2\n10"]


def test_comments_are_skipped_and_ids_stay_until_changed() -> None:
    stream = b": t\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert [(event.data, event.id) for event in decoded(stream)] == [
        ("first event", "1"),
        ("second event", ""),
        (" third event", ""),
    ]


def test_empty_data_is_dispatched_and_an_unfinished_event_is_not() -> None:
    assert data_of(b"data\n\ndata\ndata\n\ndata:") == ["", "\n"]


def test_one_space_after_the_colon_is_dropped() -> None:
    assert data_of(b"data:test\n\ndata: test\n\n") == ["test", "test"]


def test_event_names_hold_for_one_event() -> None:
    stream = b"event: add\ndata: 1\n\nevent: add\n\ndata: 2\n\n"
    assert [event.event for event in decoded(stream)] == ["add", "message"]


def test_retry_is_a_number_or_ignored() -> None:
    stream = b"retry: 10\ndata: 1\n\nretry: soon\ndata: 2\n\nretry: " + b"9" * 5000 + b"\ndata\n\n"
    assert [event.retry for event in decoded(stream)] == [10, None, None]


def test_an_id_with_a_null_is_ignored() -> None:
    assert decoded(b"id: a\0b\ndata: 1\n\n")[0].id is None


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_ends_a_line(end: bytes) -> None:
    stream = end.join((b"event: x", b"data: a", b"data: b", b"", b"data: c", b"", b""))
    assert [(each.event, each.data) for each in decoded(stream)] == [
        ("x", "a\nb"),
        ("message", "c"),
    ]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert data_of(mark + b"data: a\n\n", mark + b"data: b\n\ndata: c\n\n") == ["a", "c"]
    assert data_of(mark[:1], mark[1:2], mark[2:] + b"data: a\n\n") == ["a"]


def test_other_line_separators_are_data() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be"
    assert data_of(encode(text)) == [text]


def test_an_event_is_given_as_soon_as_its_blank_line_is_seen() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert [event.data for event in decoder.feed(b"\r")] == ["a"]
    assert decoder.feed(b"\n") == []
    assert [event.data for event in decoder.feed(b"data: b\r\n\r\n")] == ["b"]


def test_comments_belong_to_the_raw_bytes_of_the_next_event() -> None:
    events = decoded(b": ping\n\n", comment("pong"), b"event: only\n\n", b"data: a\n\ndata: b\n\n")
    assert [event.raw for event in events] == [
        b": ping\n\n: pong\n\nevent: only\n\ndata: a\n\n",
        b"data: b\n\n",
    ]


def test_what_never_ended_is_trailing() -> None:
    decoder = Decoder()
    decoder.feed(b"data: a\n\n: late\n\ndata: [DO")
    decoder.feed(b"NE]\n")
    assert decoder.trailing() == b": late\n\ndata: [DONE]\n"


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100 + b"\n\n",
        b"data: " + b"x" * 100,
        b"data: x\n" * 20,
        b": ping\n\n" * 20,
    ],
    ids=["complete", "unfinished", "many lines", "comments"],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_over_the_limit_is_refused(stream: bytes, size: int) -> None:
    decoder = Decoder(max_event_bytes=100)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    with pytest.raises(EventTooLarge):
        list(map(decoder.feed, chunks))


def test_an_event_of_just_the_limit_is_given() -> None:
    decoder = Decoder(max_event_bytes=100)
    event = b"data: " + b"x" * 92 + b"\n\n"
    assert len(decoder.feed(event) + decoder.feed(event)) == 2


def test_many_events_may_together_be_over_the_limit() -> None:
    assert len(Decoder(max_event_bytes=20).feed(b"data: 1\n\n" * 100)) == 100


pieces = st.sampled_from(
    [
        b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"data", b":", b" ", b"data: ", b"event: x",
        b"id: 7", b"retry: 5", b": comment", b"\xef\xbb\xbf", "\N{SNOWMAN}\u2028".encode(),
        b"\xf0\x9f", b"\xff", b'{"a": 1}', b"\0",
    ]
)  # fmt: skip
streams = st.lists(pieces, max_size=40).map(b"".join)


@given(streams, st.data())
def test_chunks_change_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    def seen(events: list[ServerSentEvent]) -> list[tuple[object, ...]]:
        return [(event.data, event.event, event.id, event.retry) for event in events]

    assert seen(decoded(*chunks)) == seen(decoded(stream))


@given(streams, st.integers(1, 9))
def test_no_byte_is_lost(stream: bytes, size: int) -> None:
    decoder = Decoder()
    raw = b""
    for start in range(0, len(stream), size):
        raw += b"".join(event.raw for event in decoder.feed(stream[start : start + size]))
    assert raw + decoder.trailing() == stream


@given(st.text(), st.none() | st.sampled_from(["error", "message_start"]), st.integers(1, 9))
def test_what_is_encoded_is_decoded(text: str, name: str | None, size: int) -> None:
    stream = encode(text, event=name)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    (event,) = decoded(*chunks)
    assert event.data == text.replace("\r\n", "\n").replace("\r", "\n")
    assert event.event == (name or "message")
    assert event.raw == stream


def test_the_block_of_an_event_is_itself_without_what_dispatches_nothing() -> None:
    wire = b"\xef\xbb\xbf: hello\n\nid: 7\n\nevent: a\ndata: one\n\n: between\n\ndata: two\n\n"
    events = Decoder().feed(wire)
    assert [event.block for event in events] == [b"event: a\ndata: one\n\n", b"data: two\n\n"]
    assert b"".join(event.raw for event in events) == wire
    (first,) = Decoder().feed(b"\xef\xbb\xbfdata: one\n\n")
    assert first.block == b"data: one\n\n"
