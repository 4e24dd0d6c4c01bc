"""The OpenAPI document describes every route, without a warning, and answers keep to it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from connectors.api.documentation import ConnectionRead, ConnectionWrite
from connectors.api.representations import ConnectionShown
from connectors.models import Connection
from connectors.services import ConnectionValues
from tests.connectors.api.conftest import KEY
from tests.connectors.api.test_access import METHODS, OPEN_TO, our_patterns, view_of

# Neither is typed.
validate_schema: Any = import_module("drf_spectacular.validation").validate_schema
Validator: Any = import_module("jsonschema").Draft202012Validator

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator
    found: dict[str, Any] = generator(urlconf="connectors.api.urls").get_schema(
        request=None, public=True
    )
    assert not GENERATOR_STATS, capsys.readouterr().err
    return found


def operation(document: Mapping[str, Any], path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method.lower()]
    return found


def assert_described(document: Mapping[str, Any], path: str, method: str, answer: Any) -> None:
    """The answer's body is what the document says of its status and media type."""
    media = answer.headers["Content-Type"].partition(";")[0]
    described = operation(document, path, method)["responses"][str(answer.status_code)]
    schema = {**described["content"][media]["schema"], "components": document["components"]}
    Validator(with_null(schema)).validate(answer.json())


def with_null(schema: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` as JSON Schema says it."""
    if isinstance(schema, list):
        return [with_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: with_null(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") is True else plain


def test_it_is_valid_and_has_every_route(document: dict[str, Any]) -> None:
    validate_schema(document)
    described = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
    }
    served = {
        ("/" + str(each.pattern).replace("<uuid:pk>", "{id}"), method)
        for each in our_patterns()
        for method in METHODS
        if each.name not in ("schema", "nowhere") and hasattr(view_of(each), method.lower())
    }
    assert {(path.replace("{pk}", "{id}"), method) for path, method in described} == served


def test_every_operation_is_typed(document: dict[str, Any]) -> None:
    names = set()
    for path, operations in document["paths"].items():
        for method, described in operations.items():
            names.add(described["operationId"])
            assert {"401", "403"} <= described["responses"].keys(), path
            good = [status for status in described["responses"] if status.startswith("2")]
            assert good, path
            for status in good:
                content = described["responses"][status].get("content")
                assert content or status == "204", f"{method} {path}"
            if method in ("post", "put", "patch"):
                assert described["requestBody"]["content"], path
    assert len(names) == len(OPEN_TO) - 1


def test_the_documented_names_are_those_that_are_shown_and_taken() -> None:
    read: Any = ConnectionRead()
    write: Any = ConnectionWrite()
    assert set(read.fields) == set(ConnectionShown.__annotations__)
    assert set(write.fields) == set(ConnectionValues.__annotations__)


def test_answers_keep_to_it(
    document: dict[str, Any], alice: APIClient, primary: Connection
) -> None:
    base = "/connectors/v1"
    for name in ("connections", "presets", "approvals", "export"):
        assert_described(document, f"{base}/{name}", "get", alice.get(f"{base}/{name}"))
    one = f"{base}/connections/{primary.pk}"
    endings = ("connections/{id}", "connections/{pk}")
    path = next(each for each in document["paths"] if each.endswith(endings))
    assert_described(document, path, "get", alice.get(one))
    assert_described(document, path, "patch", alice.patch(one, {}, format="json"))
    stale = alice.patch(one, {}, format="json", headers={"If-Match": '"old"'})
    assert_described(document, path, "patch", stale)
    wrong = alice.patch(one, {"timeout": 0}, format="json", headers={"If-Match": "*"})
    assert_described(document, path, "patch", wrong)
    assert_described(document, path, "get", APIClient().get(one))
    tried = alice.post(f"{one}/test", {}, format="json")
    assert_described(document, f"{path}/test", "post", tried)
    assert_described(document, f"{path}/models", "get", alice.get(f"{one}/models"))
    ordered = alice.put(f"{base}/order", {"ids": []}, format="json")
    assert_described(document, f"{base}/order", "put", ordered)
    dump = {"document": {"koneek_api_key_acme_lab": KEY, "koneek_x": 1, "siteurl": "x"}}
    imported = alice.post(f"{base}/import", dump, format="json")
    assert_described(document, f"{base}/import", "post", imported)


def test_it_is_served_to_who_may_look(alice: APIClient) -> None:
    answer = alice.get(
        "/connectors/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"}
    )
    assert answer.status_code == 200
    assert "/connectors/v1/connections" in answer.json()["paths"]
