"""LangChain's chat models, which keep a conversation in LangChain's own messages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from typing import Any

import anthropic
import httpx
import openai
from langchain_anthropic import ChatAnthropic
from langchain_anthropic._client_utils import _get_default_async_httpx_client
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.sdk_matrix.clients import anthropic_sdk, openai_chat
from tests.sdk_matrix.clients.client import TOOLS, Ask, Called, Client, Hear, Heard, Said


class LangChainModel(Client):
    """What the chat models have in common. A model is made for each request: options are its."""

    finish_field = "finish_reason"

    @abstractmethod
    def model(self, ask: Ask) -> Any:
        """The chat model with the request's options."""

    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        content: list[str | dict[Any, Any]] = [{"type": "text", "text": text}]
        if picture:
            content.append({"type": "image", "base64": picture, "mime_type": "image/png"})
        if document:
            file = {"type": "file", "base64": document, "mime_type": "application/pdf"}
            content.append({**file, "filename": "a.pdf"})
        return HumanMessage(content) if content[1:] else HumanMessage(text)

    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        return [
            ToolMessage(output, tool_call_id=call.native["id"])
            for call, output in zip(said.calls, outputs, strict=True)
        ]

    def plain(self, ask: Ask) -> Said:
        model = self.model(ask)
        if ask.count > 1:
            generate = model.agenerate if self.awaits else model.generate
            (generations,) = self.done(generate([_messages(ask)])).generations
            first, *others = [each.message for each in generations]
            return replace(self._said(first), count=1 + len(others))
        ask_it = model.ainvoke if self.awaits else model.invoke
        return self._said(self.done(ask_it(_messages(ask))))

    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        model, chunks = self.model(ask), list[Any]()

        def read(chunk: Any) -> Heard:
            chunks.append(chunk)
            return Heard(chunk.text, bool(self._finish(chunk)))

        messages = _messages(ask)
        opened: Any = (
            aclosing(model.astream(messages)) if self.awaits else closing(model.stream(messages))
        )
        return self.listened(opened, read, hear, lambda _: self._said(sum(chunks[1:], chunks[0])))  # type: ignore[no-any-return]

    def _finish(self, message: Any) -> str:
        return str(message.response_metadata.get(self.finish_field) or "")

    def _said(self, message: Any) -> Said:
        usage = message.usage_metadata
        thoughts = [block for block in message.content_blocks if block["type"] == "reasoning"]
        return Said(
            text=message.text,
            calls=tuple(Called(call["name"], call["args"], call) for call in message.tool_calls),
            thoughts="".join(block.get("reasoning") or "" for block in thoughts),
            finished=self._finish(message),
            tokens=(usage["input_tokens"], usage["output_tokens"]),
            native=[message],
        )


class LangChainOpenAi(LangChainModel):
    name = "LangChain ChatOpenAI"
    packages = ("langchain-openai", "langchain-core", "openai")
    errors = openai_chat.ERRORS
    remark = (
        "Of reasoning there are the answers only: it shows no thoughts and sends none back. With "
        "`use_responses_api=True`, below, it does."
    )
    shows_thoughts = False
    stop = "stop"
    calling = "tool_calls"
    responses = False

    def open(self) -> None:
        # There is no TLS here; without ``verify`` each client would read all certificates.
        self._http = httpx.Client(verify=False)
        self._http_async = httpx.AsyncClient(verify=False)

    def close(self) -> None:
        self._http.close()
        if self.awaits:
            self.done(self._http_async.aclose())

    def status(self, error: Exception) -> int:
        assert isinstance(error, openai.APIStatusError)
        return error.status_code

    def model(self, ask: Ask) -> Any:
        options: dict[str, Any] = {}
        if self.responses:
            options = {"output_version": "responses/v1", "store": False}
            options["include"] = ["reasoning.encrypted_content"]
        if ask.thinks and self.responses:
            options["reasoning"] = {"effort": "high", "summary": "auto"}
        elif ask.thinks:
            options["reasoning_effort"] = "high"
        model: Any = ChatOpenAI(
            model=ask.model,
            base_url=f"{self.site.base_url}/v1",
            api_key=SecretStr(self.site.key),
            max_retries=0,
            stream_usage=True,
            max_completion_tokens=ask.limit,
            n=ask.count if ask.count > 1 else None,
            use_responses_api=self.responses,
            http_client=self._http,
            http_async_client=self._http_async,
            **options,
        )
        return _with_abilities(model, ask, "auto" if ask.may_call else "none")


class LangChainResponses(LangChainOpenAi):
    name = "LangChain ChatOpenAI, Responses"
    finish_field = "status"
    remark = ""
    lacks = frozenset(("count",))
    shows_thoughts = True
    stop = "completed"
    calling = "completed"
    responses = True


class LangChainAnthropic(LangChainModel):
    name = "LangChain ChatAnthropic"
    packages = ("langchain-anthropic", "langchain-core", "anthropic")
    errors = {**anthropic_sdk.ERRORS, "overloaded": anthropic.InternalServerError}  # noqa: RUF012
    lacks = frozenset(("count", "json"))
    finish_field = "stop_reason"
    stop = "end_turn"
    calling = "tool_use"

    def open(self) -> None:
        self._models: list[Any] = []
        _get_default_async_httpx_client.cache_clear()

    def close(self) -> None:
        # LangChain keeps one HTTP client per address and closes none; another loop cannot use it.
        if self.awaits:
            for model in self._models:
                self.done(model._async_client.close())
            _get_default_async_httpx_client.cache_clear()

    def status(self, error: Exception) -> int:
        assert isinstance(error, anthropic.APIStatusError)
        return error.status_code

    def model(self, ask: Ask) -> Any:
        thinking: dict[str, Any] | None = {"type": "adaptive"} if ask.thinks else None
        model = ChatAnthropic(
            model_name=ask.model,
            base_url=self.site.base_url,
            api_key=SecretStr(self.site.key),
            max_retries=0,
            timeout=60,
            stop=None,
            thinking=thinking,
            max_tokens_to_sample=ask.limit or anthropic_sdk.LIMIT,
        )
        self._models.append(model)
        return _with_abilities(model, ask, {"type": "auto" if ask.may_call else "none"})


def _with_abilities(model: Any, ask: Ask, choice: Any) -> Any:
    if ask.tools:
        tools = [
            {"title": name, "description": f"Tells the {name}.", **schema}
            for name, schema in TOOLS.items()
        ]
        return model.bind_tools(tools, tool_choice=choice)
    if ask.json:
        return model.bind(response_format={"type": "json_object"})
    if ask.schema is not None:
        shape = {"title": "answer", "description": "An answer.", **ask.schema}
        return _Raw(model.with_structured_output(shape, method="json_schema", include_raw=True))
    return model


def _messages(ask: Ask) -> list[Any]:
    return [*([SystemMessage(ask.system)] if ask.system else []), *ask.turns]


class _Raw:
    """A chain with structured output, giving the message that it was read from."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def invoke(self, messages: list[Any]) -> AIMessage:
        return _checked(self._chain.invoke(messages))

    async def ainvoke(self, messages: list[Any]) -> AIMessage:
        return _checked(await self._chain.ainvoke(messages))


def _checked(found: dict[str, Any]) -> AIMessage:
    assert found["parsing_error"] is None
    assert found["parsed"]
    raw: AIMessage = found["raw"]
    return raw
