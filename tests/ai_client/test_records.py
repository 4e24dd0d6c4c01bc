"""Records as lines of the spool."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.messages import TokenUsage
from ai_client.records import AttemptRecord, MalformedRecord, Outcome, RequestRecord
from tests.ai_client.request_records import a_record

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_count = st.integers(0, 2**62)
_maybe_count = st.none() | _count
_ms = st.floats(0, 1e9)

records = st.builds(
    RequestRecord,
    request_id=_text,
    created=st.floats(0, 4e9),
    dialect=_text,
    outcome=st.sampled_from(Outcome),
    total_ms=_ms,
    gateway_key_id=_maybe_count,
    gateway_key_name=_text,
    caller=_text,
    requested_model=_text,
    stream=st.booleans(),
    connection=_text,
    connection_id=_text,
    provider=_text,
    price_id=st.none() | _text,
    model=_text,
    attempts=st.lists(
        st.builds(
            AttemptRecord,
            connection=_text,
            model=_text,
            code=_text,
            ms=_ms,
            error=_text,
            status=st.none() | st.integers(100, 599),
            message=_text,
        ),
        max_size=4,
    ).map(tuple),
    usage=st.none()
    | st.builds(
        TokenUsage,
        prompt_tokens=_count,
        completion_tokens=_count,
        total_tokens=_count,
        thought_tokens=_maybe_count,
        cached_tokens=_maybe_count,
        cache_write_tokens=_maybe_count,
    ),
    first_event_ms=st.none() | _ms,
    error_code=_text,
    status=st.none() | st.integers(100, 599),
    finish_reason=_text,
    warnings=st.lists(_text, max_size=3).map(tuple),
)


@given(records)
def test_a_record_survives_its_line(record: RequestRecord) -> None:
    line = record.to_json()
    assert b"\n" not in line
    assert RequestRecord.from_json(line) == record


@given(records, st.data())
def test_a_cut_line_is_never_taken_for_a_record(record: RequestRecord, data: st.DataObject) -> None:
    line = record.to_json()
    cut = line[: data.draw(st.integers(0, len(line) - 1))]
    with pytest.raises(MalformedRecord):
        RequestRecord.from_json(cut)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_other_json_is_refused(value: object) -> None:
    with pytest.raises(MalformedRecord):
        RequestRecord.from_json(json.dumps(value))


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "splendid"},
        {"request_id": 5},
        {"created": None},
        {"attempts": 3},
        {"attempts": ["x"]},
        {"attempts": [{"connection": "x"}]},
        {"usage": "many"},
        {"warnings": 1},
    ],
)
def test_a_record_with_an_impossible_member_is_refused(changes: dict[str, object]) -> None:
    line = json.dumps({**json.loads(a_record().to_json()), **changes})
    with pytest.raises(MalformedRecord):
        RequestRecord.from_json(line)


def test_members_of_another_version_are_passed_over() -> None:
    record = a_record()
    data = {**json.loads(record.to_json()), "mood": "good"}
    del data["caller"]
    assert RequestRecord.from_json(json.dumps(data)) == record


def test_text_that_is_no_unicode_and_numbers_over_64_bits_still_make_a_line() -> None:
    record = a_record(requested_model="a\ud800b", usage=TokenUsage(prompt_tokens=10**30))
    read = RequestRecord.from_json(record.to_json())
    assert read.requested_model == "a?b"
    assert read.usage is not None
    assert read.usage.prompt_tokens == 2**63 - 1
    assert read.outcome is Outcome.SUCCESS


def test_cleaning_reaches_every_text_that_others_chose() -> None:
    record = a_record(
        requested_model="SECRET",
        model="SECRET",
        warnings=("SECRET",),
        attempts=(AttemptRecord("primary", "SECRET", "ok", 1.0, message="SECRET"),),
    )
    cleaned = record.cleaned(lambda text: text.replace("SECRET", "-"))
    assert b"SECRET" not in cleaned.to_json()
    assert cleaned.connection == "primary"


def test_what_is_cleaned_are_its_texts() -> None:
    record = a_record(requested_model="asked", model="answered", warnings=("first", "second"))
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    assert record.cleaned(note) is record
    assert {*seen} == {*record.texts()}
    models = {"asked", "answered", "gpt-4o", "gpt-4o-mini"}
    assert {*record.texts()} == {*models, "first", "second", "Down."}
