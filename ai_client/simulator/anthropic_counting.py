"""Anthropic's token counting as a server sees it: words, as everywhere here.

Source: https://platform.claude.com/docs/en/api/messages-count-tokens. Fields that concern the
answer alone are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ai_client.simulator.answers import answer
from ai_client.simulator.anthropic_conversation import refuse
from ai_client.simulator.anthropic_requests import read_request
from ai_client.simulator.dialect import Media, body_of, digest_of, dump
from ai_client.simulator.http_server import HttpRequest

_PATH: Final = "/messages/count_tokens"
_FIELD_NAMES: Final = (
    "cache_control context_management mcp_servers messages model output_config output_format speed "
    "system thinking tool_choice tools user_profile_id"
)
_FIELDS: Final = frozenset(_FIELD_NAMES.split())
_ROOM: Final = 1_000_000


def counted(request: HttpRequest) -> Media | None:
    """The count; None where the request is for something else. Raises ``Refused``."""
    if request.method != "POST" or not request.path.endswith(_PATH):
        return None
    body = body_of(request)
    if body is None:
        refuse("The request body is not valid JSON")
    for field in sorted(body.keys() - _FIELDS):
        refuse(f"{field}: Extra inputs are not permitted")
    ask = read_request(replace(request, body=dump({**body, "max_tokens": _ROOM})))
    number = answer(ask).usage.prompt
    return Media(dump({"input_tokens": number}), digest=digest_of(request))
