"""The official google-genai SDK."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, contextmanager
from typing import Any

from google.genai import errors, types

from tests.gateway.google_callers import async_google_sdk, calls_of, google_sdk, parts_of
from tests.sdk_matrix.clients.client import TOOLS, Ask, Called, Client, Hear, Heard, Said


class GoogleGenerate(Client):
    name = "google-genai"
    packages = ("google-genai",)
    errors = {  # noqa: RUF012
        "key": errors.ClientError,
        "model": errors.ClientError,
        "request": errors.ClientError,
        "rate": errors.ClientError,
        "overloaded": errors.ServerError,
        "failed": errors.ServerError,
        "broken": errors.ServerError,
    }
    remark = (
        "Of a stream that is left, the awaiting client closes the connection once it is closed "
        "itself, or Python has collected its garbage; the blocking one does so at once."
    )
    stop = "STOP"
    calling = "STOP"

    def open(self) -> None:
        self._open, self._open_async = ExitStack(), AsyncExitStack()
        if self.awaits:
            entering = self._open_async.enter_async_context(async_google_sdk(self.site))
            self.sdk: Any = self.done(entering)
        else:
            self.sdk = self._open.enter_context(google_sdk(self.site))

    def close(self) -> None:
        if self.awaits:
            self.done(self._open_async.aclose())
        self._open.close()

    def let_go(self) -> None:
        if self.awaits:
            self.close()
            self.open()

    def status(self, error: Exception) -> int:
        assert isinstance(error, errors.APIError)
        return int(error.code)

    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        files = {"image/png": picture, "application/pdf": document}
        parts: list[Any] = [types.Part.from_text(text=text)]
        for kind, data in files.items():
            if data:
                parts.append(types.Part.from_bytes(data=base64.b64decode(data), mime_type=kind))
        return types.UserContent(parts)

    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        results = [
            types.Part.from_function_response(name=call.name, response={"result": output})
            for call, output in zip(said.calls, outputs, strict=True)
        ]
        return [types.UserContent(results)]

    def plain(self, ask: Ask) -> Said:
        return _said([self.done(self.sdk.models.generate_content(**_given(ask)))])

    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        pieces: list[Any] = []

        def read(piece: Any) -> Heard:
            pieces.append(piece)
            return _heard(piece)

        opened: Any = self._opened_async(ask) if self.awaits else self._opened(ask)
        return self.listened(opened, read, hear, lambda _: _said(pieces))  # type: ignore[no-any-return]

    @contextmanager
    def _opened(self, ask: Ask) -> Iterator[Any]:
        stream = self.sdk.models.generate_content_stream(**_given(ask))
        try:
            yield stream
        finally:
            stream.close()

    @asynccontextmanager
    async def _opened_async(self, ask: Ask) -> AsyncIterator[Any]:
        async with aclosing(await self.sdk.models.generate_content_stream(**_given(ask))) as stream:
            yield stream


def _given(ask: Ask) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if ask.system:
        config["system_instruction"] = ask.system
    if ask.tools:
        declared = [
            types.FunctionDeclaration(name=name, parameters_json_schema=schema)
            for name, schema in TOOLS.items()
        ]
        config["tools"] = [types.Tool(function_declarations=declared)]
        mode = types.FunctionCallingConfigMode("AUTO" if ask.may_call else "NONE")
        calling = types.FunctionCallingConfig(mode=mode)
        config["tool_config"] = types.ToolConfig(function_calling_config=calling)
    if ask.schema is not None:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = ask.schema
    if ask.json:
        config["response_mime_type"] = "application/json"
    if ask.count > 1:
        config["candidate_count"] = ask.count
    if ask.thinks:
        config["thinking_config"] = types.ThinkingConfig(
            thinking_level=types.ThinkingLevel.HIGH, include_thoughts=True
        )
    if ask.limit is not None:
        config["max_output_tokens"] = ask.limit
    return {
        "model": ask.model,
        "contents": list(ask.turns),
        "config": types.GenerateContentConfig(**config),
    }


def _said(pieces: list[Any]) -> Said:
    parts = [part for piece in pieces for part in parts_of(piece)]
    usage = pieces[-1].usage_metadata
    finish = [each.finish_reason for piece in pieces for each in piece.candidates or ()]
    return Said(
        text="".join(part.text or "" for part in parts if not part.thought),
        calls=tuple(Called(call.name, call.args, call) for call in calls_of(parts)),
        thoughts="".join(part.text or "" for part in parts if part.thought),
        finished=next(str(reason.value) for reason in reversed(finish) if reason),
        tokens=(usage.prompt_token_count, usage.candidates_token_count or 0),
        native=[types.Content(role="model", parts=parts)],
        count=len(pieces[0].candidates),
    )


def _heard(piece: Any) -> Heard:
    text = "".join(part.text or "" for part in parts_of(piece) if not part.thought)
    return Heard(text, any(each.finish_reason for each in piece.candidates or ()))
