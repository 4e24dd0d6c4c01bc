"""Every error of the REST face as problem details (https://www.rfc-editor.org/rfc/rfc9457).

::

    {"type": "about:blank", "title": "Bad Request", "status": 400, "code": "invalid",
     "detail": "…",
     "errors": [{"field": "timeout", "pointer": "#/timeout", "detail": "…", "code": "invalid"}]}

``errors`` is there where values of the body are wrong, ``current`` where somebody else was faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypedDict

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from connectors.errors import (
    ConnectionMissing,
    ConnectorError,
    MalformedKeyRing,
    RegistryError,
    Undecryptable,
)
from connectors.probing import NothingDetected, ProbeFailed

MEDIA_TYPE = "application/problem+json"
_STATUSES: tuple[tuple[type[ConnectorError], int, str], ...] = (
    (ConnectionMissing, 404, "not_found"),
    (NothingDetected, 422, "nothing_detected"),
    (ProbeFailed, 502, "upstream_failed"),
    (MalformedKeyRing, 503, "key_ring_unusable"),
    (Undecryptable, 503, "key_unreadable"),
    (RegistryError, 500, "registry"),
    (ConnectorError, 400, "invalid"),
)
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs."},
        "detail": {"type": "string", "description": "For people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "pointer", "detail", "code"],
                "properties": {
                    "field": {"type": "string"},
                    "pointer": {"type": "string", "description": "A JSON pointer into the body."},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "current": {"description": "What is stored now."},
    },
}
_PATH_PART = re.compile(r"[^.\[\]]+")


class FieldProblem(TypedDict):
    """One wrong value: the field's name, where it stands in the body, and what is wrong."""

    field: str
    pointer: str
    detail: str
    code: str


class ProblemBody(TypedDict, total=False):
    """The document; ``code`` is for programs, ``detail`` for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem]
    current: object


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, before it becomes a response. ``current`` is left out where it is None."""

    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    current: object = None

    def body(self) -> ProblemBody:
        """The document as it is sent."""
        body: ProblemBody = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        if self.current is not None:
            body["current"] = self.current
        return body


class Outdated(exceptions.APIException):
    """The request was made from a state that is gone; ``current`` is the one that is."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"

    def __init__(self, detail: str, current: object, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.current = current
        self.headers = headers


class PreconditionFailed(Outdated):
    """``If-Match`` names another revision than the one that is stored."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "stale"


class PreconditionRequired(exceptions.APIException):
    """A change or a deletion came without ``If-Match``."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "if_match_required"
    default_detail = gettext_lazy(
        "Send If-Match with the ETag of the connection as you know it, so that nobody else's "
        "change is lost."
    )


def pointer_of(field: str) -> str:
    """The JSON pointer of a field: ``connections[0].timeout`` is ``#/connections/0/timeout``."""
    parts = _PATH_PART.findall(field)
    return "#" + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def field_error(field: str, detail: str, code: str = "invalid") -> FieldProblem:
    """One wrong value of the body."""
    return {"field": field, "pointer": pointer_of(field), "detail": detail, "code": code}


def problem_of(error: Exception) -> Problem | None:
    """What an exception means to the caller; None for one that is a defect of ours."""
    match error:
        case ConnectorError():
            return _of_connectors(error)
        case exceptions.ValidationError():
            errors = tuple(_flattened(error.detail, ""))
            detail = " ".join(each["detail"] for each in errors)
            return Problem(error.status_code, "invalid", detail, errors)
        case Outdated():
            code = str(error.default_code)
            return Problem(error.status_code, code, str(error.detail), current=error.current)
        case exceptions.APIException():
            codes = error.get_codes()
            code = codes if isinstance(codes, str) else str(error.default_code)
            return Problem(error.status_code, code, str(error.detail))
        case Http404():
            return Problem(404, "not_found", _("There is nothing at this address."))
        case DjangoPermissionDenied():
            return Problem(403, "permission_denied", str(exceptions.PermissionDenied().detail))
        case RequestDataTooBig():
            return Problem(413, "too_large", _("The body is larger than this site accepts."))
        case SuspiciousOperation():
            return Problem(400, "bad_request", _("The request is malformed."))
        case _:
            return None


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response."""
    return Response(
        problem.body(), status=problem.status, headers=dict(headers or {}), content_type=MEDIA_TYPE
    )


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's ``EXCEPTION_HANDLER``; None hands a defect on to Django."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    return problem_response(problem, _headers(error))


def _headers(error: Exception) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Outdated):
        headers |= error.headers
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{float(wait):.0f}"
    return headers


def _of_connectors(error: ConnectorError) -> Problem:
    status, code = next(
        (status, code) for kind, status, code in _STATUSES if isinstance(error, kind)
    )
    named = error.field and status == HTTPStatus.BAD_REQUEST
    errors = (field_error(error.field, error.message),) if named else ()
    return Problem(status, code, error.message, errors)


def _flattened(detail: object, path: str) -> Iterator[FieldProblem]:
    """REST framework's nested lists and dictionaries of messages, one by one."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            inside = path if key == "non_field_errors" else f"{path}.{key}" if path else str(key)
            yield from _flattened(value, inside)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from _flattened(value, f"{path}[{index}]" if nested else path)
    else:
        yield field_error(path, str(detail), str(getattr(detail, "code", "invalid")))
