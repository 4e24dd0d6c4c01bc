"""What WordPress's AI plugin writes into its request log, decides, and opens; and what we do.

The log there is read out of HTTP requests as they pass; here it is made of what was asked and
answered. So the rows' requests and answers go through a client, whose record is looked at.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from nacl.secret import SecretBox

from ai_client.approvals import Approvals
from ai_client.capabilities import Capability
from ai_client.client import AiClient
from ai_client.connections import load
from ai_client.errors import (
    AiClientError,
    BadContent,
    ConnectionReset,
    InvalidRequest,
    MalformedAnswer,
)
from ai_client.messages import GenerationRequest, ModelConfig, user_message
from ai_client.model_directory import ModelDirectory
from ai_client.plan import Plan
from ai_client.records import Outcome, RequestRecord
from ai_client.registration import registered
from ai_client.router import Route
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.testing import FakeAi, HttpAnswer, ScriptedTransport
from ai_client.wire import gateway_face
from connectors.approvals import MAXIMUM_PENDING, Refusal, decide, forget, record_refusals
from connectors.credentials import provider_keys
from connectors.errors import FieldError
from connectors.models import Approval, ApprovalState, Option
from connectors.registry import registry
from connectors.services import create_connection, update_connection
from connectors.wordpress_import import parse_wordpress
from connectors.wordpress_secrets import CannotOpen, SecretBoxes
from tests.ai_client.vectors import Row
from tests.ai_client.vectors import load as load_rows

ROWS: dict[str, Row] = {row["name"]: row for row in load_rows("ai_plugin")}
KEY = "sk-SECRET-0123456789"
HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
}

DIFFERENT = {
    "log_request_only": "a request without an answer is an error of the connection that was asked",
    "log_models_get": "lists of models are not requests to a model, and not in the log",
    "log_google": "the model is logged although it is in the path; an answer needs its end; no URL",
    "log_anthropic": "no preview, no URL",
    "log_key_in_url_is_stored": "keys go in headers, and no URL is stored",
    "log_image": "no preview, no URLs of images",
    "log_embeddings": "each input needs its vector; the answer counts 0 tokens; no preview",
    "log_bad_json": "what is not JSON is an error",
    "log_model_from_response": "no preview, no URL",
    "log_tool_call_without_text": "a call without a name is a malformed answer",
    "log_image_input": "images of prompts are not stored",
    "approval_legacy_basename": "a caller has one name, which it gives itself",
    "pending_limit_50": "the limit is for each caller, and 1000 in all",
    "key_in_header_list": "a key is bound to the address that it was stored for",
    "key_in_query": "a key is bound to the address that it was stored for",
}
"""Rows of which something is otherwise here, and what."""
SAME = {
    "approve_and_revoke",
    "secret_decrypt_current",
    "secret_decrypt_lost_key",
    "secret_missing",
    "secret_too_short",
    "secret_swapped_between_keys_still_decrypts",
}


def row(name: str) -> Row:
    return ROWS[name]


def logged(
    given: Any, *, model: str = "", answer: HttpAnswer | AiClientError | None = None
) -> tuple[RequestRecord, ScriptedTransport]:
    """The record that the row's request leaves when the row's answer comes."""
    body = json.loads(given.get("requestBody", "{}"))
    slug = HOSTS[given["uri"].split("/")[2]]
    provider = registered()[slug]
    model = model or body.get("model", "") or "asked"
    said = HttpAnswer(given.get("responseBody", "").encode()) if answer is None else answer
    transport = ScriptedTransport(lambda sent: said)  # type: ignore[arg-type, return-value]
    records: list[RequestRecord] = []
    connection = ConnectionConfig(
        "1", "the-connection", provider, model, provider.base_url or "", api_key=KEY
    )
    client = AiClient(
        snapshot=lambda: Snapshot(connections=(connection,)),
        engine=transport.engine,
        async_engine=transport.async_engine,
        record=records.append,
    )
    request = _request(given["uri"], body)
    wire = provider.wire_for(request.capability, model) or ""
    with suppress(AiClientError):
        client.ask(Plan(request, (Route(connection, model, wire),)))
    (record,) = records
    return record, transport


def _request(uri: str, body: Any) -> GenerationRequest:
    if uri.endswith("/images/generations"):
        return GenerationRequest(
            (user_message(body["prompt"]),), capability=Capability.IMAGE_GENERATION
        )
    if uri.endswith("/embeddings"):
        inputs = tuple(user_message(each) for each in body["input"])
        return GenerationRequest(inputs, capability=Capability.EMBEDDING_GENERATION)
    if body.get("messages") and uri.startswith("https://api.openai.com"):
        return gateway_face("openai_chat").parse_request({"model": "asked", **body})
    return GenerationRequest((user_message("Hi"),), ModelConfig())


def _with_its_end(body: str) -> str:
    """A candidate without a finish reason has been cut short."""
    return body.replace('"content":', '"finishReason": "STOP", "content":')


def _with_both_vectors(body: str) -> str:
    """Two inputs have two vectors."""
    found = json.loads(body)
    vectors = [{"index": number, "embedding": [0.1]} for number in range(2)]
    return json.dumps({**found, "data": vectors})


CUT_SHORT = {"log_google": _with_its_end, "log_embeddings": _with_both_vectors}
"""Rows whose answer lacks what the dialect prescribes: an error here, until it is there."""


def stored(record: RequestRecord) -> str:
    return record.to_json().decode()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("log_google", "gemini-2.5-flash"),
        ("log_anthropic", ""),
        ("log_image", ""),
        ("log_embeddings", ""),
        ("log_model_from_response", ""),
    ],
)
def test_who_answered_and_for_how_many_tokens(name: str, model: str) -> None:
    given, told = row(name)["input"], row(name)["expected"]["log"]
    if name in CUT_SHORT:
        record, _ = logged(given, model=model)
        assert (record.outcome, record.error_code) == (Outcome.ERROR, BadContent.code)
        given = {**given, "responseBody": CUT_SHORT[name](given["responseBody"])}
    record, transport = logged(given, model=model)
    assert record.outcome is Outcome.SUCCESS, record
    assert record.provider == told["provider"]
    # There it is null where the model stands in the path.
    assert record.model == (told["model"] or model)
    assert record.usage is not None
    assert record.usage.prompt_tokens == told["tokens_input"]
    assert record.usage.completion_tokens == told.get("tokens_output", 0)
    assert transport.sent[0].url == given["uri"]
    _holds_nothing_of(record, given)


def _holds_nothing_of(record: RequestRecord, given: Any) -> None:
    """Neither prompt nor answer, neither key nor address."""
    kept = stored(record)
    for secret in (KEY, "SECRET", "http", "base64", "A cat", "Be brief", "Hello", "e.com", "What?"):
        assert secret not in kept
    assert given["uri"] not in kept


def test_a_request_without_an_answer_is_an_error_of_the_connection_that_was_asked() -> None:
    given = row("log_request_only")["input"]
    record, _ = logged(given, answer=ConnectionReset("Gone."))
    assert (record.outcome, record.provider, record.model) == (Outcome.ERROR, "", "")
    (attempt,) = record.attempts
    assert (attempt.connection, attempt.model) == ("the-connection", "gpt-4.1")
    assert attempt.error == "ConnectionReset"
    _holds_nothing_of(record, given)


def test_lists_of_models_are_not_requests() -> None:
    given = row("log_models_get")["input"]
    provider = registered()["openai"]
    with FakeAi() as fake_ai:
        fake_ai.transport.on(
            given["method"], given["uri"], HttpAnswer(given["responseBody"].encode())
        )
        connection = ConnectionConfig(
            "1", "one", provider, "", provider.base_url or "", api_key=KEY
        )
        directory = ModelDirectory()
        directory.forget(connection)
        assert [each.id for each in directory.models(connection)] == ["a"]
        directory.forget(connection)
        assert fake_ai.records == []


def test_a_key_is_in_no_address_and_in_no_log() -> None:
    given = row("log_key_in_url_is_stored")["input"]
    record, transport = logged(given, model="x", answer=HttpAnswer(b"{}", 400))
    assert transport.sent[0].url == given["uri"].partition("?")[0]
    assert transport.sent[0].headers["x-goog-api-key"] == KEY
    assert record.outcome is Outcome.ERROR
    _holds_nothing_of(record, given)


def test_what_is_no_json_is_an_error_on_either_side() -> None:
    given = row("log_bad_json")["input"]
    with FakeAi() as fake_ai:
        answered = Client().post(
            "/v1/chat/completions",
            given["requestBody"],
            content_type="application/json",
            headers={"authorization": f"Bearer {fake_ai.gateway_key()}"},
        )
        assert answered.status_code == 400
        (refused,) = fake_ai.records
    assert (refused.outcome, refused.error_code) == (Outcome.REFUSED, InvalidRequest.code)
    request = {**given, "requestBody": "{}"}
    for content_type in ("application/json", "text/html"):
        answer = HttpAnswer(given["responseBody"].encode(), content_type=content_type)
        record, _ = logged(request, answer=answer)
        assert (record.outcome, record.provider) == (Outcome.ERROR, "")
        assert record.error_code == BadContent.code


def test_an_answer_with_half_a_call_is_an_error() -> None:
    given = row("log_tool_call_without_text")["input"]
    record, _ = logged({**given, "requestBody": "{}"})
    assert (record.outcome, record.error_code) == (Outcome.ERROR, MalformedAnswer.code)
    whole = json.loads(given["responseBody"])
    call = whole["choices"][0]["message"]["tool_calls"][0]
    call |= {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    record, _ = logged({**given, "requestBody": "{}", "responseBody": json.dumps(whole)})
    assert record.outcome is Outcome.SUCCESS
    assert record.usage is not None
    assert (record.usage.prompt_tokens, record.usage.completion_tokens) == (0, 0)


def test_pictures_of_a_prompt_are_in_no_log() -> None:
    given = row("log_image_input")["input"]
    answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "A cat."}}]}
    record, transport = logged(given, answer=HttpAnswer.json(answer))
    assert "data:image/png;base64,AAAA" in transport.sent[0].body.decode().replace("\\/", "/")
    assert record.outcome is Outcome.SUCCESS
    assert "AAAA" not in stored(record)
    _holds_nothing_of(record, given)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_status_is_an_error(status: int) -> None:
    """There every answer is a success, whatever its status."""
    given = row("log_request_only")["input"]
    record, _ = logged(given, answer=HttpAnswer.json({"error": {"message": "No."}}, status))
    assert record.outcome is Outcome.ERROR
    assert record.error_code
    assert record.attempts[0].status == status


# Who may use which connector.


@pytest.fixture
def _asking(settings: Any, db: None) -> None:
    settings.CONNECTORS = {**getattr(settings, "CONNECTORS", {}), "APPROVAL": "ask"}


def approvals() -> Approvals:
    """As requests see them now."""
    return load().approvals


def play(calls: list[Any], caller: str) -> Iterator[Any]:
    """The plugin's calls as ours; a caller is an app's label here, not a plugin's file."""
    for call in calls:
        args = call["args"]
        match call["method"]:
            case "is_approved":
                yield approvals().permit(caller, args[1])
            case "set_approval" if args[2]:
                decide(caller, args[1], ApprovalState.ALLOWED)
                yield None
            case "set_approval":
                forget(caller, args[1])
                yield None
            case "get_approvals":
                found: dict[str, dict[str, bool]] = {}
                for each in Approval.objects.exclude(state=ApprovalState.PENDING):
                    allowed = each.state == ApprovalState.ALLOWED
                    found.setdefault(each.caller, {})[each.connector] = allowed
                yield found


@pytest.mark.usefixtures("_asking")
def test_approving_and_revoking() -> None:
    given, expected = row("approve_and_revoke")["input"], row("approve_and_revoke")["expected"]
    returns = list(play(given["calls"], "my-plugin/my-plugin.php"))
    assert returns == expected["returns"]
    assert Approval.objects.filter(state=ApprovalState.PENDING).count() == expected["pendingCount"]


@pytest.mark.usefixtures("_asking")
def test_callers_have_one_name_and_unnamed_ones_none() -> None:
    """There a folder's name still counts as the plugin that is in it. Ours never had two names."""
    given = row("approval_legacy_basename")["input"]
    for caller, decided in given["options"]["wpai_connector_approvals"].items():
        for connector, allowed in decided.items():
            state = ApprovalState.ALLOWED if allowed else ApprovalState.DENIED
            if caller:
                decide(caller, connector, state)
            else:
                with pytest.raises(FieldError) as refused:
                    decide(caller, connector, state)
                assert refused.value.field == "caller"
    assert approvals().permit("my-plugin", "openai")
    assert approvals().permit("hello.php", "google")
    assert not approvals().permit("unknown", "openai")
    assert not approvals().permit("my-plugin/my-plugin.php", "openai")


@pytest.mark.usefixtures("_asking")
def test_pending_callers_are_limited() -> None:
    """There 50 in all, here 50 for each caller: one cannot push the others out."""
    given, expected = row("pending_limit_50")["input"], row("pending_limit_50")["expected"]
    now = datetime.now(UTC)
    asked = [(call["args"][0]["name"], call["args"][1]) for call in given["calls"]]
    record_refusals(Refusal(caller, connector, 1, now, now) for caller, connector in asked)
    assert Approval.objects.count() == len(asked) > expected["pendingCount"]
    record_refusals(Refusal("one", f"connector-{each}", 1, now, now) for each in range(55))
    assert expected["pendingCount"] == MAXIMUM_PENDING
    assert Approval.objects.filter(caller="one").count() == expected["pendingCount"]
    record_refusals([Refusal("one", "connector-0", 4, now, now)])
    assert Approval.objects.get(caller="one", connector="connector-0").attempts == 5


# Where a stored key may go.


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["key_in_header_list", "key_in_query"])
def test_a_stored_key_goes_to_no_other_host(name: str) -> None:
    """There whatever leaves the site is searched for keys, to find whose they are.

    Here a key is bound to the address that it was stored for, so there is nothing to search.
    """
    given = row(name)["input"]
    key = given["options"]["s_openai"].replace(" ", "")
    stored_at = create_connection(
        name="one", provider="openai-compatible", api_key=key, base_url="https://api.one.example/v1"
    )
    (before,) = load().connections
    assert (before.base_url, before.api_key) == ("https://api.one.example/v1", key)
    update_connection(stored_at, base_url=given["url"].partition("?")[0])
    (after,) = load().connections
    assert after.base_url.startswith("https://any.example")
    assert after.api_key == ""


# What the plugin has encrypted.

SECRETS = [name for name in ROWS if name.startswith("secret_")]
PROVIDERS = {slug: f"connectors_ai_{slug}_api_key" for slug in ("openai", "google", "other", "x")}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_come_along_with_the_key_that_sealed_them(name: str) -> None:
    given, expected = row(name)["input"], row(name)["expected"]
    keys = tuple(given["constants"].values())
    found = parse_wordpress(given["options"], PROVIDERS, keys)
    option = "connectors_ai_" + given["key"].removeprefix("ai/").removesuffix("_api_key")
    if expected.get("value") is None:
        assert found.options == ()
        assert [each.name for each in found.skipped] == [
            name for name in given["options"] if name.startswith("_secret_ai/")
        ]
        return
    # A key that HTTP cannot carry is opened, and then left out as such a key is.
    boxes = SecretBoxes(given["options"]["_secrets_master_key"], keys)
    assert boxes.open(given["options"][f"_secret_{given['key']}"]) == expected["value"]
    assert [(each.name, each.reason) for each in found.skipped] == [
        (f"{option}_api_key", "It holds characters that no HTTP header can carry.")
    ]


def test_without_the_key_the_way_out_is_told() -> None:
    given = ROWS["secret_decrypt_current"]["input"]
    (skipped,) = parse_wordpress(given["options"], PROVIDERS).skipped
    assert skipped.name == "_secret_ai/openai_api_key"
    assert "WP_SECRETS_KEY" in skipped.reason
    (skipped,) = parse_wordpress(given["options"], PROVIDERS, ["another"]).skipped
    assert "another WP_SECRETS_KEY" in skipped.reason


def test_a_damaged_box_is_not_opened() -> None:
    given = ROWS["secret_decrypt_current"]["input"]
    boxes = SecretBoxes(given["options"]["_secrets_master_key"], given["constants"].values())
    sealed = given["options"]["_secret_ai/openai_api_key"]
    for damaged in (sealed[:-4], sealed.replace("G", "H", 1), "no base64", ""):
        with pytest.raises(CannotOpen):
            boxes.open(damaged)


@pytest.mark.django_db
def test_the_command_takes_encrypted_keys_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = row("secret_decrypt_current")["input"]
    other = {"_secrets_master_key": seal(bytes(range(32)), "the site's secrets key")}
    sealed = seal(KEY.encode(), bytes(range(32)))
    document = tmp_path / "options.json"
    options = {**other, "_secret_ai/openai_api_key": sealed, "connectors_ai_openai_api_key": ""}
    document.write_text(json.dumps(options))
    call_command("import_wordpress", str(document))
    assert "WP_SECRETS_KEY" in capsys.readouterr().err
    assert not Option.objects.exists()
    monkeypatch.setenv("WP_SECRETS_KEY", given["constants"]["secretsKey"])
    monkeypatch.setenv("WP_SECRETS_KEY_PREVIOUS", "the site's secrets key")
    call_command("import_wordpress", str(document))
    said = capsys.readouterr()
    assert "option connectors_ai_openai_api_key" in said.out
    assert KEY not in said.out + said.err
    assert provider_keys([registry.get("openai")])["openai"].value == KEY  # type: ignore[list-item, union-attr]


def seal(text: bytes, key: str | bytes) -> str:
    """As WordPress's AI plugin does it."""
    if isinstance(key, str):
        key = hashlib.blake2b(key.encode(), digest_size=32).digest()
    return base64.b64encode(SecretBox(key).encrypt(text, bytes(range(24)))).decode()


def test_every_row_is_known() -> None:
    assert SAME.isdisjoint(DIFFERENT)
    assert SAME | set(DIFFERENT) == set(ROWS)
