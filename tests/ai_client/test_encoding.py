"""Content codings, and the bound that stops a bomb."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.encoding import BodyDecoder
from ai_client.errors import AnswerTooLarge, BadContent, MalformedAnswer


@given(st.binary(max_size=2000), st.sampled_from(["gzip", "deflate", "identity", ""]))
def test_whatever_the_cuts_the_body_comes_out_whole(body: bytes, coding: str) -> None:
    wire = body
    if coding == "gzip":
        wire = gzip.compress(body)
    elif coding == "deflate":
        wire = zlib.compress(body)
    for size in (1, 7, len(wire) or 1):
        decoder = BodyDecoder(coding)
        chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
        assert b"".join(map(decoder.feed, chunks)) == body
        decoder.end()


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.binary(max_size=5))
def test_a_body_may_be_several_members_and_padding(bodies: list[bytes], rest: bytes) -> None:
    padding = b"\0" + rest
    wire = b"".join(map(gzip.compress, bodies)) + padding
    for size in (1, 7, len(wire)):
        decoder = BodyDecoder("gzip")
        chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
        assert b"".join(map(decoder.feed, chunks)) == b"".join(bodies)
        decoder.end()


@given(st.binary(max_size=200), st.data())
def test_a_body_that_was_cut_is_no_body(body: bytes, data: st.DataObject) -> None:
    wire = gzip.compress(body) + gzip.compress(b"more")
    first = len(gzip.compress(body))
    cut = data.draw(st.integers(1, len(wire) - 1).filter(lambda at: at != first))
    decoder = BodyDecoder("gzip")
    decoder.feed(wire[:cut])
    with pytest.raises(MalformedAnswer, match="cut short"):
        decoder.end()


def test_no_body_at_all_is_not_cut() -> None:
    BodyDecoder("gzip").end()


def test_a_bomb_of_many_members_is_one_bomb() -> None:
    decoder = BodyDecoder("gzip", limit=1_000)
    with pytest.raises(AnswerTooLarge):
        decoder.feed(gzip.compress(bytes(400)) * 3)


def test_a_bomb_is_defused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    decoder = BodyDecoder("gzip", limit=1_000_000)
    with pytest.raises(AnswerTooLarge):
        decoder.feed(bomb)


def test_a_plain_body_is_bounded_too() -> None:
    decoder = BodyDecoder("", limit=10)
    assert decoder.feed(b"0123456789") == b"0123456789"
    with pytest.raises(AnswerTooLarge):
        decoder.feed(b"x")


def test_members_without_end_are_no_answer() -> None:
    decoder = BodyDecoder("gzip")
    with pytest.raises(MalformedAnswer, match="too many"):
        decoder.feed(gzip.compress(b"") * 3_000)


def test_a_coding_that_was_not_asked_for_is_bad_content() -> None:
    with pytest.raises(BadContent, match="'br'"):
        BodyDecoder("br")


def test_damaged_compression_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        BodyDecoder("gzip").feed(b"this is not gzip at all")
