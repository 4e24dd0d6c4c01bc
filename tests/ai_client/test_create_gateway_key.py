"""``manage.py create_gateway_key``."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import translation

from ai_client.connections import load
from ai_client.gateway_keys import authenticate
from ai_client.key_services import peppers
from ai_client.models import GatewayKey

KEY = re.compile(r"kn_[A-Za-z0-9_-]{43}")


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("create_gateway_key", *arguments, stdout=output)
    return output.getvalue()


def let_in(plain: str) -> str:
    return authenticate([("x-api-key", plain)], load().gateway_keys, peppers(), 0.0).name


@pytest.mark.django_db
def test_it_prints_a_key_that_works() -> None:
    (plain,) = KEY.findall(run("alice"))
    assert let_in(plain) == "alice"


@pytest.mark.django_db
def test_plain_prints_the_key_and_nothing_else() -> None:
    output = run("alice", "--plain")
    assert KEY.fullmatch(output.removesuffix("\n"))
    assert let_in(output.strip()) == "alice"


@pytest.mark.django_db
def test_a_key_falls_back_unless_told_not_to() -> None:
    run("alice")
    run("bob", "--no-fallback")
    assert GatewayKey.objects.get(name="alice").allow_fallback is True
    assert GatewayKey.objects.get(name="bob").allow_fallback is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2999-01-31", "2999-01-30T23:00:00+00:00"),
        ("2999-01-31T12:00", "2999-01-31T11:00:00+00:00"),
        ("2999-01-31T12:00:00+05:00", "2999-01-31T07:00:00+00:00"),
        ("2999-01-31T12:00Z", "2999-01-31T12:00:00+00:00"),
    ],
)
def test_an_expiry_without_an_offset_is_in_the_sites_time_zone(given: str, stored: str) -> None:
    with override_settings(TIME_ZONE="Europe/Vienna"):
        run("alice", "--expires", given)
    expires_at = GatewayKey.objects.get().expires_at
    assert expires_at is not None
    assert expires_at.isoformat() == stored


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["taken"], "^NAME: .* already exists"),
        ([""], "^NAME: .* blank"),
        (["x\r\ny"], "^NAME: Line breaks"),
        (["alice", "--expires", "soon"], "--expires: 'soon' is no ISO 8601 time"),
        (["alice", "--expires", "2001-01-01"], "^--expires: .* has passed"),
        (["alice", "--budget-per-day", "0"], "^--budget-per-day: .* 0.0001"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(arguments: list[str], complaint: str) -> None:
    run("taken")
    with pytest.raises(CommandError, match=complaint):
        run(*arguments)
    assert GatewayKey.objects.count() == 1


@pytest.mark.django_db
def test_it_refuses_in_english_whatever_the_language_of_the_site() -> None:
    with translation.override("de"):
        with pytest.raises(CommandError, match=r"^--expires: The expiry has passed\."):
            run("alice", "--expires", "2001-01-31")
        assert translation.get_language() == "de"
