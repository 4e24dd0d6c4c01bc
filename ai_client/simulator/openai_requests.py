"""How OpenAI's chat completions read a request, and with which 400 they refuse one.

Source: https://platform.openai.com/docs/api-reference/chat/create. Unknown fields are refused only
by models whose name contains "strict": OpenAI refuses them, most compatible servers do not.
"""

from __future__ import annotations

import re

from ai_client.simulator.answers import Ask, Tool, ToolResult
from ai_client.simulator.dialect import (
    JsonObject,
    body_of,
    digest_of,
    number_within,
    objects,
    texts,
)
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.openai_messages import (
    NAME,
    attachments_of,
    read_messages,
    texts_of,
    trailing_results,
)
from ai_client.simulator.openai_refusals import check_strict, refuse
from ai_client.simulator.openai_tuning import check_tuning

_FIELD_NAMES = (
    "messages model audio frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls "
    "prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options"
)
FIELDS = frozenset(_FIELD_NAMES.split())
_REASONING = re.compile(r"(.*/)?(o\d|gpt-[5-9])")
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2),
    ("n", 1, 128),
    ("top_logprobs", 0, 20),
    ("max_tokens", 1, 10**9),
    ("max_completion_tokens", 1, 10**9),
)


def read_request(request: HttpRequest, model: str) -> Ask:
    """The meaning of a request; raises ``Refused``."""
    body = body_of(request)
    if body is None:
        refuse("We could not parse the JSON body of your request.")
    if not model:
        refuse("you must provide a model parameter")
    if "strict" in model:
        for field in body.keys() - FIELDS:
            refuse(f"Unrecognized request argument supplied: {field}")
    _check_settings(body, model)
    messages = read_messages(body)
    tools = _tools(body)
    must_call = _tool_choice(body, tools)
    is_json, schema = _response_format(body, messages)
    user = [message for message in messages if message["role"] == "user"]
    last_user = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=-1)
    later = messages[last_user + 1 :]
    trailing = trailing_results(messages)
    return Ask(
        model=model,
        prompt=" ".join(texts_of(user[-1])) if user else "",
        digest=digest_of(request),
        texts=tuple(text for message in messages for text in texts_of(message)),
        attachments=tuple(attachments_of(user[-1])) if user and not trailing else (),
        tools=tuple(tools),
        results=tuple(ToolResult(" ".join(texts_of(message))) for message in trailing),
        rounds=sum(1 for message in later if message.get("tool_calls")),
        may_call=body.get("tool_choice") != "none",
        must_call=must_call,
        parallel=body.get("parallel_tool_calls") is not False,
        json=is_json,
        schema=schema,
        stop=_stop(body),
        limit=_whole(body.get("max_completion_tokens") or body.get("max_tokens")),
        count=_whole(body.get("n")) or 1,
        thinking=body.get("reasoning_effort") not in (None, "none"),
        logprobs=_whole(body.get("top_logprobs")) or 0 if body.get("logprobs") else None,
        stream=body.get("stream") is True,
        include_usage=_include_usage(body),
        spoken=_spoken(body, model),
        searches=_searches(body, model),
    )


def _check_settings(body: JsonObject, model: str) -> None:
    for name, least, most in _RANGES:
        value = body.get(name)
        if value is not None and not number_within(value, least, most):
            refuse(
                f"Invalid '{name}': expected a value between {least} and {most}, got {value!r}.",
                name,
                "invalid_value",
            )
    if body.get("max_tokens") is not None:
        if body.get("max_completion_tokens") is not None:
            refuse("Setting 'max_tokens' and 'max_completion_tokens' at once is not supported.")
        if _REASONING.match(model):
            refuse(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "max_tokens",
                "unsupported_parameter",
            )
    check_tuning(body, model, body.get("reasoning_effort"), "reasoning_effort", refuse)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        refuse("'top_logprobs' needs 'logprobs' to be true.", "top_logprobs")
    if body.get("stream_options") is not None and body.get("stream") is not True:
        refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > 4:
        refuse("Invalid 'stop': array too long.", "stop", "array_above_max_length")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not body.get("tools"):
            refuse(f"Invalid value for '{name}': only allowed when 'tools' are specified.", name)


def _tools(body: JsonObject) -> list[Tool]:
    given = body.get("tools")
    if given is None:
        return []
    if not isinstance(given, list) or not given:
        refuse("Invalid 'tools': empty array.", "tools", "empty_array")
    tools = []
    for at, tool in enumerate(objects(given)):
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, dict):
            refuse(f"Missing required parameter: 'tools[{at}].function'.", f"tools[{at}].function")
        name = function.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            refuse(
                f"Invalid 'tools[{at}].function.name': string does not match pattern.",
                f"tools[{at}].function.name",
                "invalid_value",
            )
        schema = function.get("parameters")
        if schema is not None and (not isinstance(schema, dict) or schema.get("type") != "object"):
            refuse(
                f"Invalid schema for function '{name}': schema must be of type \"object\".",
                f"tools[{at}].function.parameters",
                "invalid_function_parameters",
            )
        if function.get("strict") is True:
            check_strict(schema, f"function '{name}'", f"tools[{at}].function.parameters")
        tools.append(Tool(name, schema))
    return tools


def _tool_choice(body: JsonObject, tools: list[Tool]) -> str:
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        return ""
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in [tool.name for tool in tools]:
        refuse("Invalid value for 'tool_choice': no such tool in 'tools'.", "tool_choice")
    return str(name)


def _response_format(body: JsonObject, messages: list[JsonObject]) -> tuple[bool, object]:
    given = body.get("response_format")
    kind = given.get("type") if isinstance(given, dict) else None
    if given is None or kind == "text":
        return False, None
    if kind == "json_object":
        if not any("json" in text.lower() for one in messages for text in texts_of(one)):
            refuse(
                "'messages' must contain the word 'json' in some form, to use "
                "'response_format' of type 'json_object'.",
                "messages",
            )
        return True, None
    held = given.get("json_schema") if kind == "json_schema" and isinstance(given, dict) else None
    if not isinstance(held, dict):
        refuse("Invalid value: 'response_format.type'.", "response_format.type", "invalid_value")
    name = held.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        refuse(
            "Missing required parameter: 'response_format.json_schema.name'.",
            "response_format.json_schema.name",
            "missing_required_parameter",
        )
    if held.get("strict") is True:
        check_strict(held.get("schema"), f"response_format '{name}'", "response_format")
    return True, held.get("schema")


def _spoken(body: JsonObject, model: str) -> str:
    # https://platform.openai.com/docs/guides/audio
    modalities = body.get("modalities")
    if modalities is None:
        return ""
    wanted = texts(modalities)
    if not wanted or not set(wanted) <= {"text", "audio"}:
        known = "'text' and 'audio'"
        refuse(f"Invalid value: supported values are: {known}.", "modalities", "invalid_value")
    if "audio" not in wanted:
        return ""
    audio = body.get("audio")
    if wanted == ["audio"] or "audio" not in model:
        refuse("This model does not support the requested modalities.", "modalities")
    if not isinstance(audio, dict) or not audio.get("voice"):
        refuse("Audio output needs 'audio.voice' and 'audio.format'.", "audio")
    form = audio.get("format")
    if form not in ("wav", "aac", "mp3", "flac", "opus", "pcm16"):
        refuse(f"Invalid value: {form!r}.", "audio.format", "invalid_value")
    if body.get("stream") is True and form != "pcm16":
        refuse(
            f"Unsupported value: 'audio.format' does not support {form!r} when stream=true. "
            "Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    return str(form)


def _searches(body: JsonObject, model: str) -> bool:
    # https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat
    options = body.get("web_search_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        refuse("Invalid type for 'web_search_options': expected an object.", "web_search_options")
    if "search" not in model:
        refuse("Web search options not supported with this model.", "web_search_options")
    return True


def _include_usage(body: JsonObject) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _stop(body: JsonObject) -> tuple[str, ...]:
    stop = body.get("stop")
    return (stop,) if isinstance(stop, str) else tuple(texts(stop))


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
