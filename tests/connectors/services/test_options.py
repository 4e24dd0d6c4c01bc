"""Options: plain or encrypted by name."""

from __future__ import annotations

import pytest

from connectors import crypto
from connectors.credentials import option_binding
from connectors.errors import FieldError, Undecryptable
from connectors.masking import mask
from connectors.models import ConfigurationVersion, Option
from connectors.services import delete_option, get_option, set_option

pytestmark = pytest.mark.django_db

KEY = "sk-live-abcdefghijklmnop1234"
OWNED = "connectors_ai_acme_api_key"


def test_a_plain_option_is_stored_as_it_is() -> None:
    assert get_option("greeting") is None
    assert get_option("greeting", "hello") == "hello"
    assert set_option("greeting", " two\nlines ")
    assert Option.objects.get().value == " two\nlines "
    assert get_option("greeting") == " two\nlines "
    assert not set_option("greeting", " two\nlines ")
    assert set_option("greeting", "")
    assert get_option("greeting", "hello") == ""


def test_an_encrypted_option_stays_encrypted() -> None:
    set_option("token", KEY, encrypted=True)
    assert KEY not in Option.objects.get().value
    assert get_option("token") == KEY
    set_option("token", "other")
    assert Option.objects.get().encrypted
    assert get_option("token") == "other"
    set_option("token", "other", encrypted=False)
    assert Option.objects.get().value == "other"


def test_a_providers_key_is_always_encrypted_and_bound_to_its_address() -> None:
    set_option(OWNED, f" {KEY}\n", encrypted=False)
    option = Option.objects.get()
    assert option.encrypted
    assert option.origin == "https://api.acme.example:443"
    assert crypto.decrypt(option.value, option_binding(option)) == KEY


def test_the_mask_keeps_and_a_blank_removes() -> None:
    set_option(OWNED, KEY)
    assert not set_option(OWNED, mask(KEY))
    assert not set_option(OWNED, KEY)
    assert get_option(OWNED) == KEY
    assert set_option(OWNED, " ")
    assert get_option(OWNED) is None
    set_option(OWNED, KEY)
    assert set_option(OWNED, None)
    assert not set_option(OWNED, None)
    assert get_option(OWNED) is None


def test_the_mask_does_not_keep_a_key_for_another_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_option(OWNED, KEY)
    monkeypatch.setenv("ACME_BASE_URL", "https://elsewhere.example")
    with pytest.raises(FieldError, match="Send the key itself"):
        set_option(OWNED, mask(KEY))
    assert set_option(OWNED, KEY)
    assert Option.objects.get().origin == "https://elsewhere.example:443"


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "x"), ("a" * 192, "x"), ("a\nb", "x"), (OWNED, "kéy"), (OWNED, "••••5678")],
)
def test_what_cannot_be_stored_is_refused(name: str, value: str) -> None:
    with pytest.raises(FieldError):
        set_option(name, value)
    assert not Option.objects.exists()


def test_a_value_that_cannot_be_read_is_an_error_and_can_be_replaced() -> None:
    set_option("token", KEY, encrypted=True)
    Option.objects.update(name="renamed")
    with pytest.raises(Undecryptable):
        get_option("renamed")
    assert set_option("renamed", KEY)
    assert get_option("renamed") == KEY


def test_each_write_moves_the_version() -> None:
    set_option("a", "1")
    set_option("a", "1")
    set_option("a", "2")
    assert delete_option("a")
    assert not delete_option("a")
    assert ConfigurationVersion.current() == 3
