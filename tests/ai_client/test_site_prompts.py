"""``prompt()`` over the site's own connections and real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import Any

import pytest
from django.test import RequestFactory

from ai_client import RequestOptions, default_registry, prompt
from ai_client.errors import AiClientError, ConnectorNotApproved, NoModelFound
from ai_client.refusals import default_refusals
from ai_client.snippets import snippets
from connectors.approvals import decide
from connectors.models import Approval, ApprovalState, Connection
from tests.live_site import Site, forget_this_process


def drawing(site: Site, name: str, *, key: str, **more: str) -> dict[str, Any]:
    """A connection of the kind that makes pictures; lists of models are kept by its key."""
    return site.upstream("openai_chat", name=name, api_key=key, **more)


def paths(site: Site) -> list[str]:
    return [each.path for each in site.simulator.requests]


async def read(caller: str) -> str:
    return "".join([each async for each in prompt("Hello", caller=caller).astream_text()])


def test_the_first_connection_of_the_site_answers_in_every_way(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", model="gpt-a"),
        site.upstream("anthropic_messages", name="second", model="claude-b"),
    )
    text = prompt("Hello", caller="shop").generate_text()
    assert text
    assert asyncio.run(prompt("Hello", caller="shop").agenerate_text()) == text
    assert "".join(prompt("Hello", caller="shop").stream_text()) == text
    assert asyncio.run(read("shop")) == text
    rows = site.rows()
    assert {(each.connection, each.model, each.caller) for each in rows} == {
        ("first", "gpt-a", "shop")
    }
    assert [each.stream for each in rows].count(True) == 2


def test_a_connection_is_named_as_a_provider_or_as_a_model(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", model="gpt-a"),
        site.upstream("anthropic_messages", name="second", model="claude-b"),
    )
    for builder in (
        prompt("Hello").using_provider("second"),
        prompt("Hello").using_provider("anthropic"),
        prompt("Hello").using_model("second"),
        prompt("Hello").using_model("second/claude-b"),
        prompt("Hello").using_model_preference("claude-b"),
    ):
        result = builder.generate_text_result()
        assert result.provider_metadata == default_registry().metadata("anthropic")
        assert result.model_metadata is not None
        assert result.model_metadata.id == "claude-b"


def test_the_code_on_the_page_runs_as_it_stands(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", model="gpt-a"),
        site.upstream("openai_chat", name="second", model="gpt-b"),
    )
    connection = Connection.objects.get(name="second")
    shown = snippets(RequestFactory().get("/"), connection)[-1].text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(shown, "the snippet", "exec"), {})
    assert printed.getvalue().strip()
    assert site.row().connection == "second"


@pytest.mark.django_db
def test_a_site_without_connections_says_what_to_do(site: Site) -> None:
    with pytest.raises(NoModelFound, match="apply_connections"):
        prompt("Hello").generate_text()
    assert not prompt("Hello").is_supported()


def test_a_caller_that_may_not_use_the_connector_is_refused(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="first", model="gpt-a"))
    slug = Connection.objects.get(name="first").provider
    decide("shop", slug, ApprovalState.DENIED)
    with pytest.raises(ConnectorNotApproved):
        prompt("Hello").using_caller("shop").generate_text()
    assert prompt("Hello").using_caller("blog").generate_text()


def test_who_answers_waits_for_nobodys_list_of_models(site: Site) -> None:
    site.connect(
        drawing(site, "draws", key="sk-waits-1", model="gpt-image-1"),
        drawing(site, "hangs", key="sk-waits-2", model="gpt-5.4-mini", failure="hang"),
    )
    builder = prompt("A parrot").using_request_options(RequestOptions(timeout=30))
    assert builder.generate_image_result().model == "gpt-image-1"
    assert asyncio.run(builder.agenerate_image_result()).model == "gpt-image-1"
    assert not [each for each in paths(site) if each.endswith("/models")]


@pytest.mark.parametrize("is_async", [False, True])
def test_who_has_to_be_asked_for_models_stands_in_last(site: Site, *, is_async: bool) -> None:
    key = f"sk-last-{is_async}"
    site.connect(
        drawing(site, "down", key=f"{key}-1", model="gpt-image-1", failure="status-503"),
        drawing(site, "lists", key=f"{key}-2", model="gpt-5.4-mini"),
    )
    builder = prompt("A parrot")
    if is_async:
        result = asyncio.run(builder.agenerate_image_result())
    else:
        result = builder.generate_image_result()
    assert result.to_image_file().mime_type == "image/png"
    # One request, one record: with the attempt before the list was asked for.
    row = site.row()
    assert [each["connection"] for each in row.attempts] == ["down", "lists"]
    assert row.connection == "lists"


def test_a_second_model_of_the_connection_is_tried_where_it_is_preferred(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="both", model="fail-status-404", models=["gpt-4o-mini"]),
        site.upstream("anthropic_messages", name="other"),
    )
    builder = prompt("Hello").using_model_preference("fail-status-404", "gpt-4o-mini")
    for each in (builder, builder.using_provider("both")):
        result = each.generate_text_result()
        assert result.provider_metadata == default_registry().metadata("openai")
        assert result.model_metadata is not None
        assert result.model_metadata.id == "gpt-4o-mini"


def test_a_provider_holds_although_a_model_is_named(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="down", model="gpt-a", failure="status-503"),
        site.upstream("anthropic_messages", name="other"),
    )
    with pytest.raises(AiClientError):
        prompt("Hello").using_provider("openai").using_model("gpt-a").generate_text()
    assert prompt("Hello").using_model("gpt-a").generate_text()


def test_a_caller_chooses_among_what_it_may_use(site: Site, settings: Any) -> None:
    site.connect(
        site.upstream("openai_chat", name="first", model="gpt-5.4-mini", models=["gpt-image-1"]),
        site.upstream("anthropic_messages", name="second"),
    )
    decide("blog", "anthropic", ApprovalState.ALLOWED)
    settings.CONNECTORS = {"APPROVAL": "ask"}
    forget_this_process()
    asked = prompt("Hello", caller="blog")
    for builder in (asked, asked.without_fallback()):
        result = builder.generate_text_result()
        assert result.provider_metadata == default_registry().metadata("anthropic")
    # What it may not use counts as little for what is supported as for what is done.
    assert not asked.is_supported_for_image_generation()
    with pytest.raises(ConnectorNotApproved, match="openai"):
        asked.generate_image()
    default_refusals().write()
    assert Approval.objects.get(caller="blog", connector="openai").state == ApprovalState.PENDING
    assert not [each for each in paths(site) if "anthropic" not in each and "messages" not in each]
