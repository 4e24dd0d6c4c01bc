"""How long a request may take on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ai_client.capabilities import JsonValue
from ai_client.errors import InvalidArgument
from ai_client.messages.reading import JsonObject, fields, integer, number, optional


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How a request travels; None or 0: as configured. Times are in seconds.

    ``max_redirects`` is there for what the PHP AI Client stored. Redirects are never followed,
    because they would carry the key to another address. Raises InvalidArgument for a negative
    number and for what is none.
    """

    timeout: float | None = None
    connect_timeout: float | None = None
    max_redirects: int | None = None

    def __post_init__(self) -> None:
        for name in ("timeout", "connect_timeout", "max_redirects"):
            value = getattr(self, name)
            if value is None:
                continue
            if (integer if name == "max_redirects" else number)(value, name) < 0:
                raise InvalidArgument(f"{name} is {value}; it may not be negative.", param=name)

    def to_dict(self) -> dict[str, JsonValue]:
        shown: dict[str, JsonValue] = {}
        if self.timeout is not None:
            shown["timeout"] = float(self.timeout)
        if self.connect_timeout is not None:
            shown["connectTimeout"] = float(self.connect_timeout)
        if self.max_redirects is not None:
            shown["maxRedirects"] = self.max_redirects
        return shown

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        held = fields(data, cls.__name__)
        return cls(
            optional(held, "timeout", number),
            optional(held, "connectTimeout", number),
            optional(held, "maxRedirects", integer),
        )

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        return {
            "type": "object",
            "properties": {
                "timeout": {"type": ["number", "null"], "minimum": 0},
                "connectTimeout": {"type": ["number", "null"], "minimum": 0},
                "maxRedirects": {"type": ["integer", "null"], "minimum": 0},
            },
            "additionalProperties": False,
        }
