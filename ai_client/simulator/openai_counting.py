"""OpenAI's token counting as a server sees it: words, as everywhere here.

Source: https://platform.openai.com/docs/api-reference/responses/input-tokens. Fields that concern
the answer alone are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ai_client.simulator.answers import answer
from ai_client.simulator.dialect import Media, body_of, digest_of, dump
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.openai_refusals import refuse
from ai_client.simulator.openai_responses_requests import read_request

_PATH: Final = "/responses/input_tokens"
_FIELD_NAMES: Final = (
    "conversation input instructions model parallel_tool_calls personality previous_response_id "
    "reasoning text tool_choice tools truncation"
)
_FIELDS: Final = frozenset(_FIELD_NAMES.split())


def counted(request: HttpRequest) -> Media | None:
    """The count; None where the request is for something else. Raises ``Refused``."""
    if request.method != "POST" or not request.path.endswith(_PATH):
        return None
    body = body_of(request)
    if body is None:
        refuse("We could not parse the JSON body of your request.")
    for field in sorted(body.keys() - _FIELDS):
        refuse(f"Unknown parameter: '{field}'.", field, "unknown_parameter")
    ask, _ = read_request(replace(request, body=dump({**body, "store": False})), ())
    number = answer(ask).usage.prompt
    said: dict[str, object] = {"object": "response.input_tokens", "input_tokens": number}
    return Media(dump(said), digest=digest_of(request))
