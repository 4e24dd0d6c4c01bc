"""Secrets are taken out of text by value, by name and by shape."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ai_client.log.redaction import MARK, SHORTEST_SECRET, RedactingFilter, Redactor

KEY = "Zq7/+wV'x&9=Lm3"
"""A key that looks like nothing in particular and is changed by every encoding."""

ROOT = Path(__file__).parents[2]

_keys = st.text(st.characters(codec="ascii", exclude_characters="\n"), min_size=SHORTEST_SECRET)
_keys |= st.text(st.sampled_from("[]redact"), min_size=SHORTEST_SECRET, max_size=30)
_around = st.text(max_size=40) | st.text(st.sampled_from("[]redact"), max_size=40)


@given(_keys, _around, _around)
def test_a_known_key_never_survives(key: str, before: str, after: str) -> None:
    assume(key not in MARK)
    assert key not in Redactor([key]).redact(before + key + after)


@given(st.lists(_keys, min_size=2, max_size=4), st.data())
def test_no_known_key_survives_among_others(keys: list[str], data: st.DataObject) -> None:
    assume(not any(key in MARK for key in keys))
    pieces = data.draw(st.lists(st.sampled_from(keys) | _around, max_size=8))
    redacted = Redactor(keys).redact("".join(pieces))
    assert not [key for key in keys if key in redacted]


@given(_keys, st.binary(max_size=20), st.binary(max_size=20))
def test_a_known_key_does_not_survive_inside_base64(key: str, before: bytes, after: bytes) -> None:
    assume(len(key) >= 12)
    whole = base64.b64encode(before + key.encode() + after).decode()
    assert Redactor([key]).redact(f"got {whole}") != f"got {whole}"


@pytest.mark.parametrize(
    "encode",
    [
        quote,
        quote_plus,
        lambda key: quote(key, safe=""),
        lambda key: re.sub("%..", lambda found: found[0].lower(), quote(key, safe="")),
        lambda key: urlencode({"q": key}),
        json.dumps,
        repr,
        html.escape,
        lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
        lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    ],
)
def test_encodings_of_a_known_key_do_not_survive(encode: Callable[[str], str]) -> None:
    redacted = Redactor([KEY]).redact(f"upstream said {encode(KEY)} and left")
    assert redacted.startswith("upstream said ")
    assert redacted.endswith(" and left")
    assert MARK in redacted


def test_of_two_keys_the_longer_goes_first() -> None:
    redactor = Redactor(["abcdefgh", "abcdefghijkl"])
    assert redactor.redact("abcdefghijkl!") == f"{MARK}!"


def test_a_key_that_redaction_itself_would_put_together_does_not_survive() -> None:
    key = f"token: {MARK} was"
    assert key not in Redactor([key]).redact("token: abcdefgh was here")


def test_words_are_not_taken_for_keys() -> None:
    text = "ollama needs no key"
    assert Redactor(["ollama", ""]).redact(text) == text


def test_new_values_replace_old_ones() -> None:
    redactor = Redactor(["first-key"])
    redactor.set_known(["other-key"])
    assert redactor.redact("first-key other-key") == f"first-key {MARK}"


def test_a_redactor_does_not_show_what_it_knows() -> None:
    assert KEY not in repr(Redactor([KEY]))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer HUSH",
        "authorization=Basic HUSH",
        "proxy-authorization: HUSH",
        "x-api-key: HUSH",
        "X-Goog-Api-Key: HUSH",
        "api-key=HUSH",
        "OPENAI_API_KEY=HUSH",
        "apiKey: HUSH",
        "{'x-api-key': 'HUSH'}",
        '{"api_key": "HUSH", "model": "m"}',
        '{"body": "{\\"api_key\\": \\"HUSH\\"}"}',
        '{"api_key": "HUSH and more',
        "[(b'authorization', b'Bearer HUSH')]",
        "[('x-api-key', 'HUSH')]",
        "headers['x-api-key'] = 'HUSH'",
        "password=HUSH",
        "client_secret: HUSH",
        "AWS_SECRET_ACCESS_KEY=HUSH",
        "access_token=HUSH",
        "Token: HUSH",
        "Set-Cookie: HUSH=1",
        "GET /v1beta/models?key=HUSH&alt=sse",
        "GET /v1beta/models?alt=sse&key=HUSH HTTP/1.1",
        "sent Bearer HUSHHUSH",
    ],
)
def test_what_stands_beside_a_sensitive_name_is_taken_out(text: str) -> None:
    redacted = Redactor().redact(text)
    assert "HUSH" not in redacted
    assert MARK in redacted


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcdefghijklmnop",
        "sk-ant-api03-abcdefghijkl",
        "sk-or-v1-0123456789abcdef",
        "AIzaSyA0123456789abcdefghijklmnopqrstu",
        "AQ.Ab0123456789abcdefghijklmnop",
        "gsk_0123456789abcdef",
        "kn_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
        "nvapi-0123456789abcdef",
        "csk-0123456789abcdef",
    ],
)
def test_a_key_is_known_by_its_shape(key: str) -> None:
    for text in (f"wrong key {key}!", f"%20{key}", f"'{key}'", f"a\\n{key}", f"x={key}&y"):
        assert key not in Redactor().redact(text)
        assert MARK in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The connection 'primary' answered 429; next in 12 s.",
        "prompt_tokens=5 completion_tokens=7 max_tokens: 100",
        "the task-management desk-reservation-system",
        "gateway key kn_abcdefgh was refused",
        "GET /settings?keyboard=qwerty",
        "model gpt-4o-mini at https://api.openai.com/v1",
        "No gateway key. Send it as a header.",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor([KEY]).redact(text) == text


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor([KEY])
    once = redactor.redact(text)
    assert redactor.redact(once) == once


def test_nested_data_is_redacted_by_name_and_by_value() -> None:
    data = {
        "X-Api-Key": "anything",
        "apiKey": {"deep": ["anything"]},
        "token": 5,
        "password": None,
        "count": 3,
        "list": [f"a {KEY}", (KEY,), {"k": KEY.encode()}],
        KEY: True,
    }
    assert Redactor([KEY]).redact_mapping(data) == {
        "X-Api-Key": MARK,
        "apiKey": MARK,
        "token": 5,
        "password": None,
        "count": 3,
        "list": [f"a {MARK}", (MARK,), {"k": MARK.encode()}],
        MARK: True,
    }
    assert data["list"] == [f"a {KEY}", (KEY,), {"k": KEY.encode()}]


def test_data_without_an_end_is_cut() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert MARK in str(Redactor().redact_mapping(loop))


class Log:
    """A logger with a redacting handler, and what it wrote."""

    def __init__(self, logger: logging.Logger, stream: io.StringIO) -> None:
        self.logger = logger
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()


@pytest.fixture
def log() -> Iterator[Log]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    handler.addFilter(RedactingFilter(redactor=Redactor([KEY])))
    logger = logging.getLogger("tests.redaction")
    logger.propagate = False
    logger.addHandler(handler)
    yield Log(logger, stream)
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_log_line_is_redacted_with_its_arguments(log: Log) -> None:
    log.logger.error("a %s b %r c %d", KEY, {"x": KEY}, 5)
    assert log.text == f"tests.redaction a {MARK} b {{'x': '{MARK}'}} c 5\n"


def test_a_key_that_only_formatting_puts_together_is_redacted(log: Log) -> None:
    log.logger.error("%s%s", KEY[:6], KEY[6:])
    assert log.text == f"tests.redaction {MARK}\n"


def test_a_key_in_an_object_is_redacted(log: Log) -> None:
    log.logger.error(ValueError(KEY))
    log.logger.error("%s", ValueError(KEY))
    assert log.text == f"tests.redaction {MARK}\n" * 2


def test_a_traceback_is_redacted_with_its_causes(log: Log) -> None:
    try:
        try:
            raise ValueError(f"cause {KEY}")
        except ValueError as cause:
            raise RuntimeError(f"effect {KEY}") from cause
    except RuntimeError:
        log.logger.exception("failed")
    assert KEY not in log.text
    assert f"ValueError: cause {MARK}" in log.text
    assert f"RuntimeError: effect {MARK}" in log.text
    assert "Traceback" in log.text


def test_a_message_that_does_not_fit_its_arguments_is_redacted(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.logger.error("only %d", KEY)
    assert KEY not in log.text + capsys.readouterr().err
    assert "only %d" in log.text


def test_extras_and_stack_are_redacted(log: Log) -> None:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    log.logger.addHandler(keep := Keep())
    log.logger.error("x", extra={"headers": {"a": KEY}, "api_key": "?", "n": 5}, stack_info=True)
    log.logger.removeHandler(keep)
    (record,) = records
    assert record.__dict__["headers"] == {"a": MARK}
    assert record.__dict__["api_key"] == MARK
    assert record.__dict__["n"] == 5
    assert "Stack" in log.text


def test_arguments_that_formatters_unpack_stay_arguments() -> None:
    record = logging.makeLogRecord(
        {
            "msg": '%s - "%s %s HTTP/%s" %d',
            "args": ("127.0.0.1:1", "GET", "/v1beta/models?key=HUSH&alt=sse", "1.1", 200),
        }
    )
    assert RedactingFilter(redactor=Redactor()).filter(record)
    assert record.args == ("127.0.0.1:1", "GET", f"/v1beta/models?key={MARK}&alt=sse", "1.1", 200)


def test_the_filter_goes_by_the_loggers_name_as_any_filter() -> None:
    only = RedactingFilter("ai_client", Redactor())
    assert only.filter(logging.makeLogRecord({"name": "ai_client.log", "msg": "x"}))
    assert not only.filter(logging.makeLogRecord({"name": "other", "msg": "x"}))


@pytest.mark.parametrize("unit", ["a", "api_key", "token=", "sk-", '"', "key: ", "Bearer "])
def test_redaction_gets_through_a_long_text(unit: str) -> None:
    """A pattern whose time grows with the square of the length would not, within the minutes."""
    program = (
        "from ai_client.log.redaction import Redactor;"
        f"Redactor(['a-known-key']).redact({unit!r} * 300_000)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120, cwd=ROOT)
