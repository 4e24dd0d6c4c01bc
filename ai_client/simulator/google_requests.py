"""How the Gemini API reads a request, and with which 400 it refuses one.

Source: https://ai.google.dev/api/generate-content, .../gemini-api/docs/function-calling and
.../gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

import re

import orjson

from ai_client.simulator.answers import Ask, Tool, ToolResult
from ai_client.simulator.dialect import (
    JsonObject,
    body_of,
    decoded_size,
    digest_of,
    objects,
    texts,
)
from ai_client.simulator.google_config import read_config
from ai_client.simulator.google_fields import (
    camel_case,
    either,
    known_fields,
    object_at,
    refuse,
    unknown_field,
    whole,
)
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.signatures import issued

VENDOR = "google"
_SCHEMA_FIELD_NAMES = (
    "type format title description nullable enum maxItems minItems properties required "
    "minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering "
    "default items minimum maximum"
)
_SCHEMA_FIELDS = frozenset(_SCHEMA_FIELD_NAMES.split())
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_FUNCTION_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_SKIPPED = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")


def read_request(request: HttpRequest, model: str, *, stream: bool) -> Ask:
    """The meaning of a request; raises ``Refused``."""
    given = body_of(request)
    if given is None:
        refuse("Invalid JSON payload received.")
    body = known_fields(given, "", "")
    config = object_at(body, "generationConfig", "generation_config")
    output = read_config(config, model)
    contents = _contents(body)
    _check_turns(contents)
    if "-tts" in model and body.get("systemInstruction") is not None:
        refuse(f"Developer instruction is not enabled for models/{model}")
    tools = _tools(body)
    searches = _searches(body, model, tools)
    asked_at = max((at for at, one in enumerate(contents) if _is_asking(one)), default=-1)
    _check_signatures(contents, asked_at, model)
    is_json, schema = _schema(config)
    if is_json and tools and re.search(r"gemini-[12]", model):
        refuse("Function calling with a response mime type: 'application/json' is unsupported")
    results = [part for part in _parts(contents[-1]) if "functionResponse" in part]
    asking = contents[asked_at] if asked_at >= 0 else {}
    thinking = object_at(config, "thinkingConfig", "thinking_config")
    may_call, allowed = _calling(body, tools)
    return Ask(
        model=model,
        prompt=" ".join(_texts(asking)),
        digest=digest_of(request),
        texts=tuple(_all_texts(body, contents)),
        attachments=() if results else tuple(_attachments(_parts(asking))),
        tools=tuple(allowed),
        results=tuple(_result(part) for part in results),
        rounds=sum(
            1
            for one in contents[asked_at + 1 :]
            if any("functionCall" in part for part in _parts(one))
        ),
        may_call=may_call,
        json=is_json,
        schema=schema,
        stop=tuple(texts(config.get("stopSequences"))),
        limit=whole(config.get("maxOutputTokens")),
        count=whole(config.get("candidateCount")) or 1,
        thinking=thinking.get("includeThoughts") is True,
        logprobs=whole(config.get("logprobs")) or 0 if config.get("responseLogprobs") else None,
        stream=stream,
        include_usage=True,
        words=output.words,
        picture=output.picture,
        spoken=output.spoken,
        searches=searches,
        as_array=stream and request.query.get("alt") != "sse",
    )


def _contents(body: JsonObject) -> list[JsonObject]:
    given = body.get("contents")
    found = [given] if isinstance(given, dict) else objects(given)
    if not found:
        refuse("* GenerateContentRequest.contents: contents is not specified\n")
    contents = []
    for at, content in enumerate(found):
        where = f"contents[{at}]"
        one = known_fields(content, "contents", where)
        if one.get("role") not in (None, "user", "model", "function"):
            refuse("Please use a valid role: user, model.")
        given_parts = one.get("parts")
        raw = [given_parts] if isinstance(given_parts, dict) else objects(given_parts)
        if not raw:
            refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n")
        one["parts"] = [_part(part, f"{where}.parts[{nr}]") for nr, part in enumerate(raw)]
        contents.append(one)
    return contents


def _part(given: JsonObject, where: str) -> JsonObject:
    part = known_fields(given, "parts", where)
    held = [name for name in _DATA if name in part]
    if not part.keys() - {"thought"}:
        refuse(
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have "
            "one initialized field\n"
        )
    if len(held) > 1:
        refuse(f"Invalid value at '{where}' (oneof), oneof field 'data' is already set.")
    if "text" in part and not isinstance(part["text"], str):
        refuse(f"Invalid value at '{where}.text' (TYPE_STRING)")
    if "inlineData" in part:
        blob = part["inlineData"]
        kind = either(blob, "mimeType", "mime_type")
        if not isinstance(blob, dict) or not isinstance(kind, str) or "/" not in kind:
            refuse(f"Unsupported MIME type: {kind}")
        if not decoded_size(blob.get("data")):
            refuse(
                f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed"
            )
    if "fileData" in part and not either(part["fileData"], "fileUri", "file_uri"):
        refuse(f"* GenerateContentRequest.{where}.file_data.file_uri: file_uri is required\n")
    if "functionCall" in part:
        call = object_at(part, "functionCall", "function_call")
        if not isinstance(call.get("args", {}), dict):
            refuse(
                f"Invalid value at '{where}.function_call.args' "
                "(type.googleapis.com/google.protobuf.Struct)"
            )
        _check_name(call.get("name"), f"{where}.function_call.name")
    if "functionResponse" in part:
        response = object_at(part, "functionResponse", "function_response")
        if not isinstance(response.get("response"), dict):
            refuse(
                f"Invalid value at '{where}.function_response.response' "
                "(type.googleapis.com/google.protobuf.Struct)"
            )
        _check_name(response.get("name"), f"{where}.function_response.name")
    return part


def _check_name(name: object, where: str) -> None:
    if not isinstance(name, str) or not name:
        refuse(f"* GenerateContentRequest.{where}: Name cannot be empty.\n")
    if not _FUNCTION_NAME.fullmatch(name):
        refuse(
            f"Invalid function name at {where}. Must start with a letter or an underscore. Must be "
            "alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
            "with a maximum length of 128."
        )


def _check_turns(contents: list[JsonObject]) -> None:
    for at, content in enumerate(contents):
        answers = [part for part in _parts(content) if "functionResponse" in part]
        previous = _parts(contents[at - 1]) if at else []
        calls = [part for part in previous if "functionCall" in part]
        if answers and not calls:
            refuse(
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        if len(answers) != len(calls):
            refuse(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        named = sorted(str(_name_of(one, "functionResponse")) for one in answers)
        if named != sorted(str(_name_of(one, "functionCall")) for one in calls):
            # Stricter than the vendor, who pairs by name and answers nonsense where it cannot.
            refuse("Please ensure that function responses name the functions that were called.")
        if any("functionCall" in part for part in _parts(content)):
            if at == 0 or contents[at - 1].get("role") == "model":
                refuse(
                    "Please ensure that function call turn comes immediately after a user turn or "
                    "after a function response turn."
                )
            if at == len(contents) - 1:
                refuse("Please ensure that single turn requests end with a user role.")


def _check_signatures(contents: list[JsonObject], asked_at: int, model: str) -> None:
    for at, content in enumerate(contents):
        calls = 0
        for part in _parts(content):
            signature = part.get("thoughtSignature")
            if signature not in (None, *_SKIPPED) and not issued(VENDOR, str(signature)):
                refuse("Thought signature is not valid.")
            if "functionCall" not in part:
                continue
            calls += 1
            if signature is None and calls == 1 and at > asked_at and "signed" in model:
                name = _name_of(part, "functionCall")
                refuse(
                    "Function call is missing a thought_signature in functionCall parts. This is "
                    "required for tools to work correctly, and missing thought_signature may lead "
                    "to degraded model performance. Additional data, function call "
                    f"`default_api:{name}` , position {at + 1}. Please refer to "
                    "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
                )


def _tools(body: JsonObject) -> list[Tool]:
    tools: list[Tool] = []
    for at, tool in enumerate(objects(body.get("tools"))):
        given = known_fields(tool, "tools", f"tools[{at}]").get("functionDeclarations")
        for number, declared in enumerate(objects(given)):
            where = f"tools[{at}].function_declarations[{number}]"
            one = known_fields(declared, "function_declarations", where)
            _check_name(one.get("name"), where)
            if "parameters" in one and "parametersJsonSchema" in one:
                refuse(f"{where}: parameters and parameters_json_schema are mutually exclusive.")
            if isinstance(parameters := one.get("parameters"), dict):
                _check_schema(parameters, f"{where}.parameters")
            schema = one.get("parameters") or one.get("parametersJsonSchema")
            if str(one["name"]) in [known.name for known in tools]:
                refuse(f"Duplicate function declaration found: {one['name']}")
            tools.append(Tool(str(one["name"]), schema))
    return tools


def _searches(body: JsonObject, model: str, tools: list[Tool]) -> bool:
    # https://ai.google.dev/gemini-api/docs/google-search and .../tool-combination
    given = [known_fields(tool, "tools", "tools") for tool in objects(body.get("tools"))]
    searching = [object_at(tool, "googleSearch", "google_search") for tool in given]
    if not any("googleSearch" in tool for tool in given):
        return False
    config = object_at(body, "toolConfig", "tool_config")
    if tools and re.search(r"gemini-[12]", model):
        refuse("Tool use with function calling is unsupported")
    if tools and config.get("includeServerSideToolInvocations") is not True:
        refuse(
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools "
            "with Function calling."
        )
    return bool(searching)


def _check_schema(schema: JsonObject, where: str) -> None:
    for field, held in schema.items():
        name = camel_case(field)
        if name not in _SCHEMA_FIELDS:
            unknown_field(field, where)
        if name == "type" and not isinstance(held, str):
            refuse(f"Proto field is not repeating, cannot start list. At '{where}.type'")
        if name == "enum" and not all(isinstance(one, str) for one in _items(held)):
            refuse(f"Invalid value at '{where}.enum[0]' (TYPE_STRING)")
        if name == "items" and isinstance(held, dict):
            _check_schema(held, f"{where}.items")
        if name == "anyOf":
            for number, option in enumerate(objects(held)):
                _check_schema(option, f"{where}.any_of[{number}]")
        if name == "properties" and isinstance(held, dict):
            for number, value in enumerate(held.values()):
                if isinstance(value, dict):
                    _check_schema(value, f"{where}.properties[{number}].value")


def _calling(body: JsonObject, tools: list[Tool]) -> tuple[bool, list[Tool]]:
    held = object_at(body, "toolConfig", "tool_config")
    config = held.get("functionCallingConfig")
    if not isinstance(config, dict):
        return True, tools
    config = known_fields(config, "function_calling_config", "tool_config.function_calling_config")
    mode = config.get("mode")
    if mode not in (None, "AUTO", "ANY", "NONE", "VALIDATED"):
        refuse(f"Invalid value at 'tool_config.function_calling_config.mode': {mode!r}")
    names = texts(config.get("allowedFunctionNames"))
    if names and mode not in ("ANY", "VALIDATED"):
        refuse(
            "Allowed function names should only be set when function calling mode is ANY or "
            "VALIDATED."
        )
    if unknown := set(names) - {tool.name for tool in tools}:
        refuse(f"Allowed function names are not declared: {', '.join(sorted(unknown))}.")
    return mode != "NONE", [tool for tool in tools if not names or tool.name in names]


def _schema(config: JsonObject) -> tuple[bool, object]:
    is_json = config.get("responseMimeType") == "application/json"
    openapi, full = config.get("responseSchema"), config.get("responseJsonSchema")
    if (openapi is not None or full is not None) and not is_json:
        refuse(
            "* GenerateContentRequest.generation_config.response_schema: only allowed when "
            "response mime_type is 'application/json'\n"
        )
    if openapi is not None and full is not None:
        refuse("response_schema and response_json_schema are mutually exclusive.")
    if isinstance(openapi, dict):
        _check_schema(openapi, "generation_config.response_schema")
    return is_json, openapi if openapi is not None else full


def _is_asking(content: JsonObject) -> bool:
    if content.get("role") == "model":
        return False
    return not all("functionResponse" in part for part in _parts(content))


def _parts(content: JsonObject) -> list[JsonObject]:
    return objects(content.get("parts"))


def _name_of(part: JsonObject, field: str) -> object:
    held = part[field]
    return held.get("name") if isinstance(held, dict) else None


def _result(part: JsonObject) -> ToolResult:
    held = part["functionResponse"]
    response = held.get("response") if isinstance(held, dict) else None
    if not isinstance(response, dict):
        return ToolResult("")
    # "output" and "error" are the documented keys: https://ai.google.dev/api/caching#FunctionResponse
    failed = "error" in response
    said = response.get("error") if failed else response.get("output", response)
    return ToolResult(said if isinstance(said, str) else orjson.dumps(said).decode(), failed)


def _texts(content: JsonObject) -> list[str]:
    return [str(part["text"]) for part in _parts(content) if "text" in part]


def _all_texts(body: JsonObject, contents: list[JsonObject]) -> list[str]:
    system = body.get("systemInstruction")
    found = _texts(system) if isinstance(system, dict) else []
    for content in contents:
        found += _texts(content)
        found += [_result(part).text for part in _parts(content) if "functionResponse" in part]
    return found


def _attachments(parts: list[JsonObject]) -> list[str]:
    found = []
    for part in parts:
        for field, held in (
            ("inlineData", part.get("inlineData")),
            ("fileData", part.get("fileData")),
        ):
            if not isinstance(held, dict):
                continue
            kind = str(either(held, "mimeType", "mime_type") or "image/*")
            word = kind.split("/")[0] if kind.startswith(("image/", "audio/")) else "file"
            if field == "fileData":
                found.append(f"[{word} url {either(held, 'fileUri', 'file_uri')}]")
            else:
                found.append(f"[{word} {kind} {decoded_size(held.get('data'))} bytes]")
    return found


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []
