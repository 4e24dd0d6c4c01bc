"""rotate_keys: says how far it is, and fails while secrets under other keys remain."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from connectors.services import create_connection, set_option

pytestmark = pytest.mark.django_db

OLD, NEW = "A" * 42 + "E", "B" * 42 + "E"


@pytest.fixture(autouse=True)
def stored(ring: Callable[..., None]) -> None:
    """Three secrets under OLD."""
    ring(OLD)
    create_connection(provider="acme", api_key="sk-0")
    create_connection(provider="acme", api_key="sk-1")
    set_option("token", "secret", encrypted=True)


def rotate(*options: str) -> list[str]:
    out = io.StringIO()
    call_command("rotate_keys", *options, stdout=out)
    return out.getvalue().splitlines()


def test_it_goes_in_batches_until_nothing_remains(ring: Callable[..., None]) -> None:
    ring(NEW, OLD)
    assert rotate("--batch-size", "2") == [
        "re-encrypted 2, remaining 1",
        "re-encrypted 3, remaining 0",
        "All secrets are under the first key; re-encrypted 3.",
    ]
    ring(NEW)
    assert rotate() == ["All secrets are under the first key; re-encrypted 0."]


def test_it_fails_while_secrets_remain_and_names_them(ring: Callable[..., None]) -> None:
    ring(NEW)
    with pytest.raises(CommandError, match="3 cannot be read") as caught:
        rotate()
    assert "connection acme, connection acme-2, option token" in str(caught.value)
    assert caught.value.returncode == 1


@pytest.mark.parametrize("written", ["malformed", f"{NEW},{NEW}"])
def test_it_fails_on_a_malformed_ring(ring: Callable[..., None], written: str) -> None:
    ring(written)
    with pytest.raises(CommandError, match="KONEEK_ENCRYPTION_KEYS"):
        rotate()


def test_it_refuses_a_batch_of_nothing() -> None:
    with pytest.raises(CommandError, match="at least 1"):
        rotate("--batch-size", "0")
