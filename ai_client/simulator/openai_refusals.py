"""The 400 with which OpenAI's APIs refuse a request, and the schemas that they refuse."""

from __future__ import annotations

from typing import NoReturn

from ai_client.simulator.dialect import Refused, dump, texts
from ai_client.simulator.http_server import Reply


def refuse(
    message: str, param: str | None = None, code: str | None = None, status: int = 400
) -> NoReturn:
    """Raises the refusal in OpenAI's shape."""
    kind = "invalid_request_error"
    error = {"message": message, "type": kind, "param": param, "code": code}
    raise Refused(Reply(status, dump({"error": error})))


def check_strict(schema: object, what: str, param: str) -> None:
    """Refuses a schema that OpenAI's strict mode refuses."""
    # https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    if isinstance(schema, list):
        for item in schema:
            check_strict(item, what, param)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            refuse(
                f"Invalid schema for {what}: 'additionalProperties' is required to be supplied "
                "and to be false.",
                param,
            )
        if set(properties or ()) - set(texts(schema.get("required"))):
            refuse(
                f"Invalid schema for {what}: 'required' is required to be supplied and to be an "
                "array including every key in properties.",
                param,
            )
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            check_strict(list(value.values()), what, param)
        elif key in ("items", "anyOf"):
            check_strict(value, what, param)
