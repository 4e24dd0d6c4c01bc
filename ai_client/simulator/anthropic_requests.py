"""How Anthropic's Messages API reads a request, and with which 400 it refuses one.

Source: https://platform.claude.com/docs/en/api/messages and .../api/errors. Unknown fields are
refused, except by models whose name contains "lenient". What differs by model (sampling, prefill,
system messages inside the conversation, manual thinking) goes by the model's name.
"""

from __future__ import annotations

import re

import orjson

from ai_client.simulator.answers import Ask, Tool, ToolResult
from ai_client.simulator.anthropic_conversation import (
    block_texts,
    blocks,
    check_thinking_first,
    read_messages,
    refuse,
)
from ai_client.simulator.anthropic_schemas import check_schema
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

_FIELD_NAMES = (
    "cache_control container context_management diagnostics inference_geo max_tokens "
    "mcp_servers messages metadata model output_config output_format service_tier speed "
    "stop_sequences stream system temperature thinking tool_choice tools top_k top_p "
    "user_profile_id"
)
FIELDS = frozenset(_FIELD_NAMES.split())
_SEARCH_NAMES = "type name max_uses allowed_domains blocked_domains user_location cache_control"
_SEARCH_FIELDS = frozenset(_SEARCH_NAMES.split())
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_NO_SAMPLING = re.compile(r"claude-(opus-4-[789]|(opus|sonnet|haiku)-[5-9]|fable|mythos)")
_ONE_SAMPLER = re.compile(r"claude-(opus-4-[1-6]|(sonnet|haiku)-4-[5-6])")


def read_request(request: HttpRequest) -> Ask:
    """The meaning of a request; raises ``Refused``."""
    if not request.header("anthropic-version"):
        refuse("anthropic-version: header is required")
    body = body_of(request)
    if body is None:
        refuse("The request body is not valid JSON")
    for field in ("model", "max_tokens", "messages"):
        if field not in body:
            refuse(f"{field}: Field required")
    model = str(body["model"])
    if "lenient" not in model:
        for field in sorted(body.keys() - FIELDS):
            refuse(f"{field}: Extra inputs are not permitted")
    _check_settings(body, model)
    tools = _tools(body)
    messages = read_messages(body, model)
    thinking = _thinking(body)
    if thinking and _thinking_says(body, "type", "enabled"):
        # Adaptive thinking lets earlier turns begin with anything:
        # https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
        check_thinking_first(messages)
    _check_cache_marks(body)
    last = messages[-1]
    results = [block for block in blocks(last) if block.get("type") == "tool_result"]
    prompts = [one for one in messages if one["role"] == "user" and not _only_results(one)]
    asked_at = max((at for at, one in enumerate(messages) if one in prompts), default=-1)
    choice = body.get("tool_choice")
    schema = _schema(body)
    return Ask(
        model=model,
        prompt=" ".join(block_texts(prompts[-1])) if prompts else "",
        digest=digest_of(request),
        texts=tuple(_all_texts(body, messages)),
        attachments=tuple(_attachments(blocks(prompts[-1]))) if prompts and not results else (),
        tools=tuple(tools),
        results=tuple(
            ToolResult(_result_text(block), block.get("is_error") is True) for block in results
        ),
        rounds=sum(
            1
            for one in messages[asked_at + 1 :]
            if any(block.get("type") == "tool_use" for block in blocks(one))
        ),
        may_call=not (isinstance(choice, dict) and choice.get("type") == "none"),
        must_call=str(choice.get("name", "")) if isinstance(choice, dict) else "",
        parallel=not (isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True),
        json=schema is not None,
        schema=schema,
        stop=tuple(texts(body.get("stop_sequences"))),
        limit=body["max_tokens"] if isinstance(body["max_tokens"], int) else None,
        thinking=thinking,
        thinking_hidden=_thinking_says(body, "display", "omitted"),
        stream=body.get("stream") is True,
        searches=_searches(body, tools),
    )


def _check_settings(body: JsonObject, model: str) -> None:
    if not number_within(body["max_tokens"], 1, 10**7) or isinstance(body["max_tokens"], float):
        refuse("max_tokens: Input should be a valid integer greater than or equal to 1")
    for name, most in (("temperature", 1.0), ("top_p", 1.0), ("top_k", 10**6)):
        value = body.get(name)
        if value is None:
            continue
        if _NO_SAMPLING.search(model):
            refuse(f"`{name}` is deprecated for this model.")
        if not number_within(value, 0, most):
            refuse(f"{name}: range: 0..{most:g}")
    if _ONE_SAMPLER.search(model) and {"temperature", "top_p"} <= body.keys():
        refuse(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )
    for at, stop in enumerate(texts(body.get("stop_sequences"))):
        if not stop.strip():
            refuse(f"stop_sequences.{at}: each stop sequence must contain non-whitespace")
    system = body.get("system")
    if isinstance(system, list):
        for at, block in enumerate(objects(system)):
            if block.get("type") != "text" or not isinstance(block.get("text"), str):
                refuse(f"system.{at}.type: Input should be 'text'")
            if not block["text"]:
                refuse("system: text content blocks must be non-empty")
    elif system is not None and not isinstance(system, str):
        refuse("system: Input should be a valid string or a list of text blocks")
    choice = body.get("tool_choice")
    if choice is not None:
        kinds = ("auto", "any", "tool", "none")
        if not isinstance(choice, dict) or choice.get("type") not in kinds:
            refuse("tool_choice: Input tag does not match any of: 'auto', 'any', 'tool', 'none'")
        if not body.get("tools"):
            refuse("tool_choice: tool_choice may only be specified while providing tools")


def _thinking(body: JsonObject) -> bool:
    thinking = body.get("thinking")
    if thinking is None:
        return False
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if not isinstance(thinking, dict) or kind not in (
        "enabled",
        "disabled",
        "adaptive",
        "between_tools",
    ):
        refuse("thinking: Input tag does not match any of: 'adaptive', 'disabled', 'enabled'")
    if kind == "disabled":
        return False
    if kind == "enabled":
        if _NO_SAMPLING.search(str(body["model"])):
            refuse(
                '"thinking.type.enabled" is not supported for this model. '
                'Use "thinking.type.adaptive" and "output_config.effort".'
            )
        budget = thinking.get("budget_tokens")
        if budget is None:
            refuse("thinking.enabled.budget_tokens: Field required")
        if not number_within(budget, 1024, 10**7):
            refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if isinstance(budget, int) and budget >= int(str(body["max_tokens"])):
            refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("temperature") not in (None, 1):
        refuse("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_k") is not None:
        refuse("`top_k` must be unset when thinking is enabled.")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        refuse("Thinking may not be enabled when tool_choice forces tool use.")
    return True


def _thinking_says(body: JsonObject, field: str, value: str) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get(field) == value


def _tools(body: JsonObject) -> list[Tool]:
    tools: list[Tool] = []
    for at, tool in enumerate(objects(body.get("tools"))):
        if tool.get("type") not in (None, "custom"):
            continue
        name = tool.get("name")
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            refuse(
                f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            refuse(f"tools.{at}.custom.input_schema: Field required")
        if schema.get("type") != "object":
            refuse(f"tools.{at}.custom.input_schema.type: Input should be 'object'")
        if tool.get("strict") is True:
            check_schema(schema, f"tools.{at}.custom")
        for key in ("parameters", "function"):
            if key in tool:
                refuse(f"tools.{at}.custom.{key}: Extra inputs are not permitted")
        if name in [known.name for known in tools]:
            refuse("tools: Tool names must be unique.")
        tools.append(Tool(name, schema))
    choice = body.get("tool_choice")
    named = choice.get("name") if isinstance(choice, dict) else None
    if named is not None and named not in [tool.name for tool in tools]:
        refuse(f"Tool '{named}' not found in provided tools")
    return tools


def _searches(body: JsonObject, tools: list[Tool]) -> bool:
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
    for at, tool in enumerate(objects(body.get("tools"))):
        kind = str(tool.get("type"))
        if not kind.startswith("web_search_"):
            continue
        if tool.get("name") != "web_search":
            refuse(f"tools.{at}.{kind}.name: Input should be 'web_search'")
        for field in sorted(tool.keys() - _SEARCH_FIELDS):
            refuse(f"tools.{at}.{kind}.{field}: Extra inputs are not permitted")
        if tool.get("allowed_domains") and tool.get("blocked_domains"):
            refuse(f"tools.{at}.{kind}: Only one of allowed_domains or blocked_domains may be set")
        if "web_search" in [known.name for known in tools]:
            refuse("tools: Tool names must be unique.")
        return True
    return False


def _check_cache_marks(body: JsonObject) -> None:
    held: list[JsonObject] = [*objects(body.get("system")), *objects(body.get("tools"))]
    for message in objects(body["messages"]):
        held += blocks(message)
    marked = sum(1 for block in held if block.get("cache_control"))
    if marked > 4:
        refuse(f"A maximum of 4 blocks with cache_control may be provided. Found {marked}.")


def _schema(body: JsonObject) -> JsonObject | None:
    config = body.get("output_config")
    given = config.get("format") if isinstance(config, dict) else None
    if given is None:
        return None
    schema = given.get("schema") if isinstance(given, dict) else None
    if not isinstance(given, dict) or given.get("type") != "json_schema":
        refuse("output_config.format.type: Input should be 'json_schema'")
    if not isinstance(schema, dict):
        refuse("output_config.format.schema: Field required")
    check_schema(schema, "output_config.format.schema")
    return schema


def _only_results(message: JsonObject) -> bool:
    return all(block.get("type") == "tool_result" for block in blocks(message))


def _all_texts(body: JsonObject, messages: list[JsonObject]) -> list[str]:
    system = body.get("system")
    found = [system] if isinstance(system, str) else [str(one["text"]) for one in objects(system)]
    for message in messages:
        found += block_texts(message)
        found += [
            _result_text(block) for block in blocks(message) if block.get("type") == "tool_result"
        ]
    return found


def _result_text(block: JsonObject) -> str:
    content = block.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    inner = objects(content)
    said = [str(one["text"]) for one in inner if one.get("type") == "text"]
    return " ".join([*said, *_attachments(inner)])


def _attachments(given: list[JsonObject]) -> list[str]:
    found = []
    for block in given:
        source, kind = block.get("source"), block.get("type")
        if not isinstance(source, dict):
            continue
        word = "image" if kind == "image" else "file"
        match source.get("type"):
            case "base64":
                size = decoded_size(source["data"])
                found.append(f"[{word} {source['media_type']} {size} bytes]")
            case "url":
                found.append(f"[{word} url {source['url']}]")
            case "text":
                size = len(str(source.get("data")).encode())
                found.append(f"[{word} text/plain {size} bytes]")
            case "file":
                found.append(f"[{word} id {source.get('file_id')}]")
            case form:
                size = len(orjson.dumps(source))
                found.append(f"[{word} {form} {size} bytes]")
    return found
