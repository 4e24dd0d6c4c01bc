"""How OpenAI's Responses API reads a request, and with which 400 it refuses one.

Source: https://platform.openai.com/docs/api-reference/responses/create. Reasoning that comes back
must be what a simulator encrypted, and results must answer calls, both as the vendor checks them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ai_client.simulator.answers import Ask, Tool, ToolResult
from ai_client.simulator.dialect import (
    JsonObject,
    body_of,
    decoded_size,
    digest_of,
    number_within,
    objects,
    texts,
)
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.openai_refusals import check_strict, refuse
from ai_client.simulator.openai_tuning import check_tuning
from ai_client.simulator.signatures import issued

VENDOR = "openai"
ENCRYPTED = "reasoning.encrypted_content"

_FIELD_NAMES = (
    "background conversation include input instructions max_output_tokens max_tool_calls metadata "
    "model parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options "
    "temperature text tool_choice tools top_logprobs top_p truncation user"
)
FIELDS = frozenset(_FIELD_NAMES.split())
INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    ENCRYPTED,
    "message.output_text.logprobs",
)
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("top_logprobs", 0, 20),
    ("max_output_tokens", 16, 10**9),
)
_ROLES = ("assistant", "system", "developer", "user")
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_KEPT = ("web_search_call", "image_generation_call", "item_reference")
_INPUT = ("input_text", "input_image", "input_file")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def read_request(request: HttpRequest, held: Sequence[JsonObject]) -> tuple[Ask, list[JsonObject]]:
    """The meaning of a request, and its items after those ``held`` before; raises ``Refused``."""
    body = body_of(request)
    if body is None:
        refuse("We could not parse the JSON body of your request.")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    for field in body.keys() - FIELDS:
        refuse(f"Unknown parameter: '{field}'.", field, "unknown_parameter")
    _check_settings(body)
    include = _include(body, model)
    items = [*held, *_items(body)]
    _check_calls(items)
    tools, searches = _tools(body)
    must_call = _tool_choice(body, tools)
    is_json, schema = _text_format(body, items)
    effort, summary = _reasoning(body)
    check_tuning(body, model, effort or None, "reasoning.effort", refuse)
    user = [item for item in items if item.get("role") == "user"]
    last_user = max((at for at, one in enumerate(items) if one.get("role") == "user"), default=-1)
    trailing = _trailing_results(items)
    instructions = body.get("instructions")
    ask = Ask(
        model=model,
        prompt=" ".join(_texts(user[-1])) if user else "",
        digest=digest_of(request),
        texts=(
            *((instructions,) if isinstance(instructions, str) else ()),
            *(text for item in items for text in _texts(item)),
        ),
        attachments=tuple(_attachments(user[-1])) if user and not trailing else (),
        tools=tuple(tools),
        results=tuple(ToolResult(" ".join(_output_texts(item))) for item in trailing),
        rounds=_rounds(items[last_user + 1 :]),
        may_call=body.get("tool_choice") != "none",
        must_call=must_call,
        parallel=body.get("parallel_tool_calls") is not False,
        json=is_json,
        schema=schema,
        limit=_whole(body.get("max_output_tokens")),
        thinking=effort not in ("", "none"),
        thinking_hidden=not summary,
        logprobs=_logprobs(body, include),
        stream=body.get("stream") is True,
        searches=searches,
    )
    return ask, items


def _check_settings(body: JsonObject) -> None:
    for name, least, most in _RANGES:
        value = body.get(name)
        if value is not None and not number_within(value, least, most):
            code = "integer_below_min_value" if name == "max_output_tokens" else "invalid_value"
            refuse(f"Invalid '{name}': expected a value >= {least}.", name, code)
    for name in ("stream", "store", "parallel_tool_calls", "background"):
        if not isinstance(body.get(name), bool | None):
            refuse(f"Invalid type for '{name}': expected a boolean.", name, "invalid_type")
    if body.get("stream_options") is not None and body.get("stream") is not True:
        refuse("'stream_options' is only allowed when 'stream' is enabled.", "stream_options")


def _include(body: JsonObject, model: str) -> list[str]:
    given = body.get("include")
    if given is None:
        return []
    if not isinstance(given, list):
        refuse("Invalid type for 'include': expected an array.", "include", "invalid_type")
    for value in given:
        if value not in INCLUDABLE:
            known = ", ".join(repr(one) for one in INCLUDABLE)
            refuse(
                f"Invalid value: {value!r}. Supported values are: {known}.",
                "include",
                "invalid_value",
            )
    if ENCRYPTED in given and model.startswith(("gpt-3", "gpt-4", "chatgpt-")):
        refuse("Encrypted content is not supported with this model.", "include")
    return texts(given)


def _logprobs(body: JsonObject, include: list[str]) -> int | None:
    if "message.output_text.logprobs" not in include:
        return None
    return _whole(body.get("top_logprobs")) or 0


def _reasoning(body: JsonObject) -> tuple[str, bool]:
    """The effort, and whether a summary is asked for."""
    given = body.get("reasoning")
    if given is None:
        return "", False
    if not isinstance(given, dict):
        refuse("Invalid type for 'reasoning': expected an object.", "reasoning", "invalid_type")
    effort = given.get("effort")
    if effort is not None and effort not in _EFFORTS:
        refuse(f"Invalid value: {effort!r}.", "reasoning.effort", "invalid_value")
    summary = given.get("summary")
    if summary not in (None, "auto", "concise", "detailed"):
        refuse(f"Invalid value: {summary!r}.", "reasoning.summary", "invalid_value")
    return effort or "", summary is not None


def _items(body: JsonObject) -> list[JsonObject]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    if given is None:
        refuse("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if not isinstance(given, list) or len(objects(given)) != len(given):
        refuse("Invalid type for 'input': expected a string or items.", "input", "invalid_type")
    items = []
    for at, item in enumerate(objects(given)):
        where = f"input[{at}]"
        kind = item.get("type", "message")
        if kind == "message":
            _check_message(item, where)
        elif kind in _CALLS:
            _check_call(item, where)
        elif kind in _OUTPUTS:
            _check_output(item, where)
        elif kind == "reasoning":
            _check_reasoning(item, where)
        elif kind not in _KEPT:
            refuse(f"Invalid value: {kind!r}.", where, "invalid_value")
        items.append(item if "type" in item else {"type": "message", **item})
    return items


def _check_message(item: JsonObject, where: str) -> None:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        known = ", ".join(repr(one) for one in _ROLES)
        refuse(
            f"Invalid value: {role!r}. Supported values are: {known}.",
            f"{where}.role",
            "invalid_value",
        )
    if isinstance(content, str):
        return
    if not isinstance(content, list) or len(objects(content)) != len(content):
        refuse(f"Invalid type for '{where}.content'.", f"{where}.content", "invalid_type")
    allowed = ("output_text", "refusal") if role == "assistant" else _INPUT
    for number, part in enumerate(objects(content)):
        _check_part(part, allowed, f"{where}.content[{number}]")


def _check_part(part: JsonObject, allowed: tuple[str, ...], where: str) -> None:
    kind = part.get("type")
    if kind not in allowed:
        known = ", ".join(repr(one) for one in allowed)
        refuse(f"Invalid value: {kind!r}. Supported values are: {known}.", where, "invalid_value")
    match kind:
        case "input_text" | "output_text":
            if not isinstance(part.get("text"), str):
                refuse(f"Missing required parameter: '{where}.text'.", f"{where}.text")
        case "refusal":
            if not isinstance(part.get("refusal"), str):
                refuse(f"Missing required parameter: '{where}.refusal'.", f"{where}.refusal")
        case "input_image":
            url = part.get("image_url") or part.get("file_id")
            data = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
            inline = data is not None and data[1].startswith("image/") and decoded_size(data[2])
            if not inline and not str(url).startswith(("https://", "http://", "file-")):
                refuse(
                    "Invalid image URL: expected a base64-encoded data URL of an image MIME type.",
                    f"{where}.image_url",
                    "invalid_image_url",
                )
        case "input_file":
            data_url = part.get("file_data")
            if data_url is None and not (part.get("file_id") or part.get("file_url")):
                refuse(f"Missing required parameter: '{where}.file_id'.", where)
            if data_url is not None and not _DATA_URL.fullmatch(str(data_url)):
                refuse(f"Invalid '{where}.file_data': expected a base64 data URL.", where)


def _check_call(item: JsonObject, where: str) -> None:
    argument = "input" if item["type"] == "custom_tool_call" else "arguments"
    for name in ("call_id", "name", argument):
        if not isinstance(item.get(name), str):
            refuse(
                f"Missing required parameter: '{where}.{name}'.",
                f"{where}.{name}",
                "missing_required_parameter",
            )
    if len(str(item["call_id"])) > 64:
        refuse(
            f"Invalid '{where}.call_id': expected a string with maximum length 64.",
            f"{where}.call_id",
            "string_above_max_length",
        )
    if item.get("id") is not None and not str(item["id"]).startswith(("fc_", "ctc_")):
        refuse(f"Invalid '{where}.id': expected an ID that begins with 'fc'.", f"{where}.id")


def _check_output(item: JsonObject, where: str) -> None:
    if not isinstance(item.get("call_id"), str):
        refuse(f"Missing required parameter: '{where}.call_id'.", f"{where}.call_id")
    output = item.get("output")
    if isinstance(output, list):
        for number, part in enumerate(objects(output)):
            _check_part(part, _INPUT, f"{where}.output[{number}]")
    elif not isinstance(output, str):
        refuse(f"Missing required parameter: '{where}.output'.", f"{where}.output")


def _check_reasoning(item: JsonObject, where: str) -> None:
    if not isinstance(item.get("id"), str) or not isinstance(item.get("summary"), list):
        refuse(f"Missing required parameter: '{where}.summary'.", f"{where}.summary")
    encrypted = item.get("encrypted_content")
    if encrypted is None:
        refuse(
            f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set "
            "to false. Try again with `store` set to true, or remove this item from your input.",
            "input",
            status=404,
        )
    if not isinstance(encrypted, str) or not issued(VENDOR, encrypted):
        refuse(
            f"The encrypted content for item {item['id']} could not be verified.",
            None,
            "invalid_encrypted_content",
        )


def _check_calls(items: list[JsonObject]) -> None:
    """Every result answers a call before it, and every call has a result."""
    open_calls: list[str] = []
    for item in items:
        if item["type"] in _CALLS:
            open_calls.append(str(item["call_id"]))
        elif item["type"] in _OUTPUTS:
            if item["call_id"] not in open_calls:
                refuse(
                    f"No tool call found for function call output with call_id {item['call_id']}.",
                    "input",
                )
            open_calls.remove(str(item["call_id"]))
    if open_calls:
        refuse(f"No tool output found for function call {open_calls[0]}.", "input")


def _tools(body: JsonObject) -> tuple[list[Tool], bool]:
    """The functions, and whether the web may be searched."""
    given = body.get("tools")
    if given is None:
        return [], False
    if not isinstance(given, list):
        refuse("Invalid type for 'tools': expected an array.", "tools", "invalid_type")
    tools, searches = [], False
    for at, tool in enumerate(objects(given)):
        where = f"tools[{at}]"
        if tool.get("type") in ("web_search", "web_search_preview"):
            searches = True
            continue
        name, schema = tool.get("name"), tool.get("parameters")
        if tool.get("type") != "function":
            refuse(f"Invalid value: {tool.get('type')!r}.", f"{where}.type", "invalid_value")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            refuse(
                f"Missing required parameter: '{where}.name'.",
                f"{where}.name",
                "missing_required_parameter",
            )
        if schema is not None and (not isinstance(schema, dict) or schema.get("type") != "object"):
            refuse(
                f"Invalid schema for function '{name}': schema must be of type \"object\".",
                f"{where}.parameters",
                "invalid_function_parameters",
            )
        # Here functions are strict unless that is denied.
        if tool.get("strict") is not False:
            check_strict(schema, f"function '{name}'", f"{where}.parameters")
        tools.append(Tool(name, schema))
    return tools, searches


def _tool_choice(body: JsonObject, tools: list[Tool]) -> str:
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto"):
        return ""
    if choice == "required":
        if not body.get("tools"):
            refuse("Tool choice 'required' must be specified with 'tools'.", "tool_choice")
        return ""
    name = choice.get("name") if isinstance(choice, dict) else None
    if name not in [tool.name for tool in tools]:
        refuse(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
    return str(name)


def _text_format(body: JsonObject, items: list[JsonObject]) -> tuple[bool, object]:
    text = body.get("text")
    given = text.get("format") if isinstance(text, dict) else None
    kind = given.get("type") if isinstance(given, dict) else None
    if given is None or kind == "text":
        return False, None
    if kind == "json_object":
        if not any("json" in each.lower() for item in items for each in _texts(item)):
            refuse(
                "Response input messages must contain the word 'json' in some form to use "
                "'text.format' of type 'json_object'.",
                "input",
            )
        return True, None
    if kind != "json_schema" or not isinstance(given, dict):
        refuse(f"Invalid value: {kind!r}.", "text.format.type", "invalid_value")
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        refuse(
            "Missing required parameter: 'text.format.name'.",
            "text.format.name",
            "missing_required_parameter",
        )
    if not isinstance(given.get("schema"), dict):
        refuse("Missing required parameter: 'text.format.schema'.", "text.format.schema")
    if given.get("strict") is True:
        check_strict(given["schema"], f"response_format '{name}'", "text.format.schema")
    return True, given["schema"]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _rounds(later: list[JsonObject]) -> int:
    """How many times functions were called, calls that follow each other counting once."""
    return sum(
        1
        for at, item in enumerate(later)
        if item["type"] in _CALLS and (at == 0 or later[at - 1]["type"] not in _CALLS)
    )


def _trailing_results(items: list[JsonObject]) -> list[JsonObject]:
    trailing: list[JsonObject] = []
    for item in reversed(items):
        if item["type"] not in _OUTPUTS:
            break
        trailing.insert(0, item)
    return trailing


def _texts(item: JsonObject) -> list[str]:
    content = item.get("content")
    if item["type"] in _OUTPUTS:
        return _output_texts(item)
    if isinstance(content, str):
        return [content]
    return [str(part["text"]) for part in objects(content) if "text" in part]


def _output_texts(item: JsonObject) -> list[str]:
    output = item.get("output")
    if isinstance(output, str):
        return [output]
    return [str(part["text"]) if "text" in part else _attachment(part) for part in objects(output)]


def _attachments(item: JsonObject) -> list[str]:
    content = objects(item.get("content"))
    return [_attachment(part) for part in content if part.get("type") != "input_text"]


def _attachment(part: JsonObject) -> str:
    word = "image" if part.get("type") == "input_image" else "file"
    names = ("image_url", "file_data", "file_url", "file_id")
    source = next((str(part[name]) for name in names if part.get(name)), "")
    if match := _DATA_URL.fullmatch(source):
        return f"[{word} {match[1]} {decoded_size(match[2])} bytes]"
    return f"[{word} {'id' if part.get('file_id') == source else 'url'} {source}]"
