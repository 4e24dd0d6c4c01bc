"""Messages made by a program."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.errors import InvalidArgument
from ai_client.messages import (
    File,
    FunctionCall,
    FunctionResponse,
    MessagePart,
    Role,
    model_message,
    user_message,
)
from tests.ai_client.vectors import Row, as_json, load, rows

DIFFERENCES = {"message_builder_no_role": "role-by-function"}
MAKERS = {"user": user_message, "model": model_message}
DTOS: dict[str, type[FunctionCall] | type[FunctionResponse]] = {
    "FunctionCall": FunctionCall,
    "FunctionResponse": FunctionResponse,
}


def argument(value: Any) -> Any:
    if isinstance(value, dict) and "$dto" in value:
        return DTOS[value["$dto"]].from_dict(value["data"])
    return value


def asked_for(row: Row) -> tuple[str, list[Any]]:
    """The role, with what the message is made of."""
    asked = row["input"]
    role, parts = asked.get("role"), [argument(asked["input"])] if "input" in asked else []
    for step in asked.get("steps", ()):
        match step["method"]:
            case "usingModelRole":
                role = "model"
            case "withText" | "withFunctionCall":
                parts.append(argument(step["args"][0]))
            case other:
                raise AssertionError(other)
    return role, parts


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda asked: asked["op"] == "message_builder")
)
def test_messages_as_php_builds_them(row: Row) -> None:
    role, parts = asked_for(row)
    if row["name"] in DIFFERENCES:
        # The function that makes the message says whose it is.
        assert role is None
        assert {maker(*parts).role for maker in MAKERS.values()} == {Role.USER, Role.MODEL}
    elif "exception" in row["expected"]:
        with pytest.raises(InvalidArgument) as raised:
            MAKERS[role](*parts)
        assert raised.value.param == "parts"
    else:
        assert as_json(MAKERS[role](*parts).to_dict()) == as_json(row["expected"]["message"])


def test_every_difference_is_of_a_row_that_exists() -> None:
    assert DIFFERENCES.keys() <= {row["name"] for row in load("validation_errors")}


def test_a_part_may_be_blank_where_it_is_made_as_one() -> None:
    assert user_message(MessagePart(" ")).text() == " "


def test_a_message_gives_its_text_with_its_files() -> None:
    picture = File("image/png", "AAAA")
    message = user_message("Look: ", picture, "nice")
    assert message.text() == "Look: nice"
    assert message.files() == (picture,)
    assert message.has_text
    assert not user_message(picture).has_text
