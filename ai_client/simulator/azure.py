"""A stand-in for one endpoint in Azure: a resource with deployments, or a single model.

It answers as OpenAI's dialect does here, behind Azure's addresses, keys, API versions and errors.
Sources: https://learn.microsoft.com/azure/ai-foundry/openai/reference-preview and
https://learn.microsoft.com/rest/api/aifoundry/modelinference/. ::

    POST /openai/deployments/{name}/chat/completions, /embeddings, /images/generations,
         /audio/speech                        with an api-version; a resource
    POST /openai/v1/…                         the same without one, the deployment as the model,
                                              and /responses
    GET  /openai/models                       what could be deployed, for known api-versions
    POST /models/chat/completions, /models/embeddings
    GET  /models/info                         where the resource tells (``info``)
    GET  /info, POST /chat/completions, POST /embeddings
                                              an endpoint with a single model

Any other path is 404, a wrong key 401, a deployment that is not there ``DeploymentNotFound``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ai_client.simulator.answers import answer
from ai_client.simulator.dialect import JsonObject, Media, Refused, body_of, dump
from ai_client.simulator.fault_acts import act
from ai_client.simulator.faults import OK
from ai_client.simulator.http_server import Exchange, HttpRequest, Reply
from ai_client.simulator.openai_dialect import OpenAiDialect
from ai_client.simulator.openai_responses_dialect import OpenAiResponsesDialect
from ai_client.simulator.recording import RecordedRequest
from ai_client.simulator.server import Simulator
from ai_client.simulator.writing import Job

CATALOGUE: Final[tuple[tuple[str, str], ...]] = (
    ("gpt-4.1-2025-04-14", "chat_completion"),
    ("gpt-4o-2024-11-20", "chat_completion"),
    ("gpt-4-0613", "chat_completion"),
    ("gpt-image-1-2025-04-15", "image_generation"),
    ("text-embedding-3-small-1", "inference"),
    ("text-embedding-ada-002", "embeddings"),
    ("tts-1", "inference"),
)
"""What every region offers: ids with versions, each with a capability that it has."""

VERSIONS: Final = ("2024-10-21", "2024-06-01", "2024-02-01", "2023-05-15")
OPENAI_VERSION: Final = "2025-04-01-preview"
INFERENCE_VERSION: Final = "2024-05-01-preview"

_DEPLOYMENT = re.compile(
    r"/openai/deployments/(.+?)/(chat/completions|embeddings|images/generations|audio/speech)"
)
_FIELD_NAMES = (
    "messages model frequency_penalty max_tokens presence_penalty response_format seed stop "
    "stream temperature tool_choice tools top_p input dimensions encoding_format input_type"
)
_INFERENCE_FIELDS: Final = frozenset(_FIELD_NAMES.split())
_OPERATIONS: Final = {
    "gpt-image": "images/generations",
    "dall-e": "images/generations",
    "text-embedding": "embeddings",
    "tts": "audio/speech",
}


class AzureSimulator(Simulator):
    """One endpoint.

    ``deployments`` are names with the model that each is of. ``versions`` are those of the list of
    models that it knows. ``info`` is what it says of itself; a ``single_model`` endpoint has that
    model and no deployments, and takes its key as a bearer token.
    """

    def __init__(
        self,
        key: str,
        *,
        deployments: Mapping[str, str] | None = None,
        versions: tuple[str, ...] = VERSIONS,
        info: Mapping[str, str] | None = None,
        single_model: bool = False,
    ) -> None:
        super().__init__()
        self.key = key
        self.deployments = dict(deployments or {})
        self.versions = versions
        self.info = dict(info or {})
        self.single_model = single_model
        self._dialect = OpenAiDialect()
        self._responses = OpenAiResponsesDialect()

    @property
    def address(self) -> str:
        """Its origin."""
        return f"http://{self.host}:{self.port}"

    async def _respond(self, exchange: Exchange, record: RecordedRequest) -> None:
        try:
            self._authorize(exchange.request)
            job = self._found(exchange)
        except Refused as refused:
            await exchange.reply(refused.reply)
        else:
            await act(job, OK)

    def _authorize(self, request: HttpRequest) -> None:
        header = "authorization" if self.single_model else "api-key"
        given = request.header(header).removeprefix("Bearer ")
        if given != self.key:
            raise Refused(
                _error(
                    401,
                    "401",
                    "Access denied due to invalid subscription key or wrong API endpoint. Make "
                    "sure to provide a valid key for an active subscription and use a correct "
                    "regional API endpoint for your resource.",
                )
            )

    def _found(self, exchange: Exchange) -> Job:
        request = exchange.request
        version = request.query.get("api-version", "")
        found = _DEPLOYMENT.fullmatch(request.path)
        if request.method == "GET":
            return _whole(exchange, self._dialect, self._looked_up(request.path, version))
        if request.method != "POST":
            raise Refused(_nothing())
        if self.single_model:
            if request.path not in ("/chat/completions", "/embeddings"):
                raise Refused(_nothing())
            _check_inferred(request, version)
            return self._answered(exchange, request.path[1:], self.info["model_name"])
        if found is not None:
            if not version:
                raise Refused(_nothing())
            return self._answered(exchange, found[2], self._deployment(found[1]))
        if request.path.startswith("/openai/v1/"):
            name = str((body_of(request) or {}).get("model"))
            return self._answered(
                exchange, request.path.removeprefix("/openai/v1/"), self._deployment(name)
            )
        if request.path in ("/models/chat/completions", "/models/embeddings"):
            _check_inferred(request, version)
            name = str((body_of(request) or {}).get("model"))
            if name not in self.deployments:
                raise Refused(_error(404, "unknown_model", f"Unknown model: {name}"))
            return self._answered(exchange, request.path.removeprefix("/models/"), name)
        raise Refused(_nothing())

    def _looked_up(self, path: str, version: str) -> JsonObject:
        tells = "/info" if self.single_model else "/models/info"
        if path == tells and self.info and version == INFERENCE_VERSION:
            return dict(self.info)
        if path == "/openai/models" and not self.single_model and version in self.versions:
            return {"object": "list", "data": [_listed(*each) for each in CATALOGUE]}
        raise Refused(_nothing())

    def _deployment(self, name: str) -> str:
        if name not in self.deployments:
            raise Refused(
                _error(
                    404,
                    "DeploymentNotFound",
                    "The API deployment for this resource does not exist. If you created the "
                    "deployment within the last 5 minutes, please wait a moment and try again.",
                )
            )
        return name

    def _answered(self, exchange: Exchange, operation: str, name: str) -> Job:
        model = self.deployments.get(name, name)
        does = next(
            (does for start, does in _OPERATIONS.items() if model.startswith(start)),
            "chat/completions",
        )
        is_v1 = exchange.request.path.startswith("/openai/v1/")
        if operation == "responses" and does == "chat/completions" and is_v1:
            does = operation
        if operation != does:
            raise Refused(
                _error(
                    400,
                    "OperationNotSupported",
                    f"The {operation} operation does not work with the specified model, {model}. "
                    "Please choose different model and try again.",
                )
            )
        body = {**(body_of(exchange.request) or {}), "model": model}
        request = replace(exchange.request, path=f"/v1/{operation}", body=dump(body))
        dialect = self._responses if operation == "responses" else self._dialect
        media = dialect.media(request)
        if media is not None:
            return Job(exchange, dialect, media=media)
        ask = dialect.read(request)
        return Job(exchange, dialect, ask, answer(ask))


def _check_inferred(request: HttpRequest, version: str) -> None:
    """Model Inference knows one version, and refuses other fields unless it is to pass them on."""
    if version != INFERENCE_VERSION:
        raise Refused(_error(400, "BadRequest", "API version not supported"))
    if request.header("extra-parameters") == "pass-through":
        return
    for name in (body_of(request) or {}).keys() - _INFERENCE_FIELDS:
        raise Refused(_error(400, "Invalid input", f"Extra inputs are not permitted: {name}"))


def _listed(name: str, capability: str) -> JsonObject:
    can = dict.fromkeys(("fine_tune", "inference", "completion", "chat_completion", "embeddings"))
    flags = {each: each in (capability, "inference") for each in can}
    return {"id": name, "object": "model", "status": "succeeded", "capabilities": flags}


def _whole(exchange: Exchange, dialect: OpenAiDialect, value: JsonObject) -> Job:
    return Job(exchange, dialect, media=Media(dump(value), digest="models"))


def _nothing() -> Reply:
    return _error(404, "404", "Resource not found")


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, dump({"error": {"code": code, "message": message}}))
