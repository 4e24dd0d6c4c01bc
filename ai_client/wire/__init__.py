"""One module per wire format, each with up to two faces made of pure functions.

The client face speaks to upstreams: ``render_request``, ``forward_request``, ``parse_response``,
``parse_error``, ``StreamParser``; where the dialect can list models, ``models_request`` and
``parse_models`` too. The gateway face serves callers of that dialect:
``parse_request``, ``render_response``, ``render_error``, ``StreamRenderer``. ``render_*`` makes
wire, ``parse_*`` reads wire. Formats hold no state; parsers and renderers of streams are made per
attempt.

What is no conversation (images, embeddings, speech, videos, token counts) has a smaller client
face: ``render_request``, ``forward_request``, ``parse_result``, ``parse_error``; a long operation
adds ``operation_request``, ``parse_operation`` and ``content_request``. Its gateway face is
``parse_request``, ``render_result`` and ``render_error``.

A module ``ai_client/wire/<name>.py`` (or folder) is found by being there: ``client_face(name)``
and ``gateway_face(name)`` import it. Nothing else is edited to add one. A name with a dot is the
path of a module elsewhere, which is how an app brings its own.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache

from ai_client.kept import Kept
from ai_client.messages import JsonValue
from ai_client.wire_faces import (
    ClientFace,
    Framing,
    FramingFace,
    GatewayFace,
    ListedModel,
    ListingFace,
    ModelPage,
    ModelsFace,
    OperationFace,
    RenderContext,
    ResultFace,
    ResultGatewayFace,
    ServedModel,
    StreamParser,
    StreamRenderer,
    Target,
    WireRequest,
    WireResponse,
)


class UnknownWireFormat(LookupError):
    """No wire module of that name, or it lacks the face that was asked for."""


@cache
def client_face(name: str) -> ClientFace:
    """The client face for conversations of the wire format ``name``."""
    module = _module(name)
    if not isinstance(module, ClientFace):
        raise UnknownWireFormat(f"Wire format {name!r} has no client face.")
    return module


@cache
def asking_face(name: str) -> ClientFace | ResultFace:
    """What asks an upstream in the wire format ``name``: for a conversation, or for a result."""
    module = _module(name)
    if not isinstance(module, ClientFace | ResultFace):
        raise UnknownWireFormat(f"Wire format {name!r} has no client face.")
    return module


@cache
def result_face(name: str) -> ResultFace | None:
    """What asks for a result in the wire format ``name``; None where it holds conversations."""
    face = asking_face(name)
    return None if isinstance(face, ClientFace) else face


@cache
def operation_face(name: str) -> OperationFace | None:
    """What follows long operations of the wire format ``name``; None where it has none."""
    module = _module(name)
    return module if isinstance(module, OperationFace) else None


@cache
def models_face(name: str) -> ModelsFace | None:
    """The face of the wire format ``name`` that lists models; None where it has none."""
    module = _module(name)
    return module if isinstance(module, ModelsFace) else None


@cache
def gateway_face(name: str) -> GatewayFace:
    """The gateway face of the wire format ``name``."""
    module = _module(name)
    if not isinstance(module, GatewayFace):
        raise UnknownWireFormat(f"Wire format {name!r} has no gateway face.")
    return module


@cache
def result_gateway_face(name: str) -> ResultGatewayFace:
    """The gateway face of the wire format ``name``, which is for what is no conversation."""
    module = _module(name)
    if not isinstance(module, ResultGatewayFace):
        raise UnknownWireFormat(f"Wire format {name!r} has no gateway face for results.")
    return module


@cache
def listing_face(name: str) -> ListingFace:
    """The face of the wire format ``name`` that tells callers which models there are."""
    module = _module(name)
    if not isinstance(module, ListingFace):
        raise UnknownWireFormat(f"Wire format {name!r} does not list models for callers.")
    return module


@cache
def framing_face(name: str) -> FramingFace | None:
    """The face of the wire format ``name`` that knows other frames; None where it has none."""
    module = _module(name)
    return module if isinstance(module, FramingFace) else None


@cache
def passed_headers(name: str) -> frozenset[bytes]:
    """Headers of a caller that go on to an upstream of the same dialect, in lower case."""
    return frozenset(getattr(_module(name), "PASSED_HEADERS", ()))


@cache
def allowed_tool_names(name: str) -> re.Pattern[str] | None:
    """What the names of functions have to match in the wire format ``name``; None: anything."""
    return getattr(_module(name), "TOOL_NAMES", None)


@cache
def kept_reader(name: str) -> Callable[[Mapping[str, JsonValue]], Kept]:
    """Tells how much of a caller's body in the wire format ``name`` is kept by an upstream."""
    found: Callable[[Mapping[str, JsonValue]], Kept] | None
    found = getattr(_module(name), "kept_upstream", None)
    return found or (lambda body: Kept.NOTHING)


@cache
def request_id_headers(name: str) -> tuple[str, ...]:
    """The headers in which callers of the wire format ``name`` look for the request's id."""
    return ("x-request-id", *getattr(_module(name), "REQUEST_ID_HEADERS", ()))


@cache
def wire_formats() -> tuple[str, ...]:
    """The names of all wire formats there are, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_all() -> None:
    """Import every wire format now, so that no request waits for it."""
    for name in wire_formats():
        _module(name)


def _module(name: str) -> object:
    if "." in name:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise UnknownWireFormat(f"No wire format {name!r}: {error}.") from error
    if name not in wire_formats():
        raise UnknownWireFormat(f"No wire format {name!r}; there are {', '.join(wire_formats())}.")
    return importlib.import_module(f"{__name__}.{name}")


__all__ = [
    "ClientFace",
    "Framing",
    "FramingFace",
    "GatewayFace",
    "ListedModel",
    "ListingFace",
    "ModelPage",
    "ModelsFace",
    "OperationFace",
    "RenderContext",
    "ResultFace",
    "ResultGatewayFace",
    "ServedModel",
    "StreamParser",
    "StreamRenderer",
    "Target",
    "UnknownWireFormat",
    "WireRequest",
    "WireResponse",
    "allowed_tool_names",
    "asking_face",
    "client_face",
    "framing_face",
    "gateway_face",
    "kept_reader",
    "listing_face",
    "load_all",
    "models_face",
    "operation_face",
    "passed_headers",
    "request_id_headers",
    "result_face",
    "result_gateway_face",
    "wire_formats",
]
