"""The envelope opens where it was sealed, and nowhere else."""

from __future__ import annotations

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from connectors import crypto
from connectors.crypto import Binding
from connectors.errors import MalformedKeyRing, Undecryptable

HERE = Binding("connectors_connection", "row-1", "api_key", "https://api.acme.example:443")
KEY = "A" * 42 + "E"
OTHER = "B" * 42 + "E"
ALPHABET = string.ascii_letters + string.digits + "-_"

texts = st.text(st.characters(exclude_categories=["Cs"]))
bindings = st.builds(Binding, texts, texts, texts, texts)
# The fixtures set the ring for the whole test, which is what every example wants.
ring_is_fixed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@ring_is_fixed
@given(texts, bindings)
def test_what_is_sealed_opens_in_its_place(secret: str, binding: Binding) -> None:
    assert crypto.decrypt(crypto.encrypt(secret, binding), binding) == secret


@ring_is_fixed
@given(texts, bindings, bindings)
def test_it_opens_in_no_other_place(secret: str, binding: Binding, other: Binding) -> None:
    envelope = crypto.encrypt(secret, binding)
    for part in ("table", "row", "field", "origin"):
        moved = replace(binding, **{part: getattr(other, part)})
        if moved != binding:
            with pytest.raises(Undecryptable):
                crypto.decrypt(envelope, moved)


@ring_is_fixed
@given(texts, st.data())
def test_no_bit_can_be_turned(secret: str, data: st.DataObject) -> None:
    version, key_id, encoded = crypto.encrypt(secret, HERE).split("$")
    octets = bytearray(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    turned = urlsafe_b64encode(octets).rstrip(b"=").decode()
    with pytest.raises(Undecryptable):
        crypto.decrypt(f"{version}${key_id}${turned}", HERE)


@ring_is_fixed
@given(texts, st.data())
def test_no_character_can_be_changed(secret: str, data: st.DataObject) -> None:
    envelope = crypto.encrypt(secret, HERE)
    place = data.draw(st.integers(0, len(envelope) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda new: new != envelope[place]))
    with pytest.raises(Undecryptable):
        crypto.decrypt(envelope[:place] + letter + envelope[place + 1 :], HERE)


@pytest.mark.parametrize("length", range(3))
def test_one_spelling_of_the_bytes_is_accepted(length: int) -> None:
    envelope = crypto.encrypt("x" * length, HERE)
    encoded = envelope.rpartition("$")[2]
    octets = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    others = [envelope[:-1] + letter for letter in ALPHABET if letter != envelope[-1]]
    others += [f"{envelope}=", f"{envelope}\n", envelope.replace(encoded, f"\n{encoded}")]
    same = [text for text in others if _bytes_of(text) == octets]
    assert len(same) >= 3
    for text in same:
        with pytest.raises(Undecryptable):
            crypto.decrypt(text, HERE)


def _bytes_of(envelope: str) -> bytes:
    encoded = envelope.rpartition("$")[2].strip().rstrip("=")
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


@ring_is_fixed
@given(texts)
def test_anything_else_is_undecryptable(text: str) -> None:
    with pytest.raises(Undecryptable):
        crypto.decrypt(text, HERE)


def test_the_envelope_has_the_documented_form(ring: Callable[..., None]) -> None:
    ring(f"2026:{KEY}")
    version, key_id, encoded = crypto.encrypt("sk-1", HERE).split("$")
    assert (version, key_id) == ("kn1", "2026")
    assert len(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))) == 12 + len("sk-1") + 16


def test_what_it_is_bound_to_is_canonical_json() -> None:
    assert Binding("täble", "1", "api_key", "https://a:443").additional_data() == (
        '{"field":"api_key","origin":"https://a:443","row":"1","table":"täble"}'.encode()
    )


def test_two_envelopes_of_one_secret_differ() -> None:
    assert crypto.encrypt("sk-1", HERE) != crypto.encrypt("sk-1", HERE)


def test_the_first_key_encrypts_and_all_decrypt(ring: Callable[..., None]) -> None:
    ring(KEY)
    old = crypto.encrypt("sk-1", HERE)
    ring(OTHER, KEY)
    assert crypto.decrypt(old, HERE) == "sk-1"
    assert crypto.needs_rotation(old)
    new = crypto.encrypt("sk-1", HERE)
    assert not crypto.needs_rotation(new)
    ring(OTHER)
    assert crypto.decrypt(new, HERE) == "sk-1"
    with pytest.raises(Undecryptable, match="not in KONEEK_ENCRYPTION_KEYS"):
        crypto.decrypt(old, HERE)


def test_a_key_keeps_its_id_in_another_place(ring: Callable[..., None]) -> None:
    ring(KEY, OTHER)
    first = crypto.current_ring().keys[0].id
    ring(OTHER, KEY)
    assert crypto.current_ring().keys[1].id == first


def test_a_named_key_decrypts_only_under_its_name(ring: Callable[..., None]) -> None:
    ring(f"spring:{KEY}")
    envelope = crypto.encrypt("sk-1", HERE)
    ring(f"summer:{KEY}")
    with pytest.raises(Undecryptable, match="'spring'"):
        crypto.decrypt(envelope, HERE)


def test_without_a_ring_the_key_comes_from_secret_key(settings: Settings) -> None:
    settings.SECRET_KEY = "first"
    envelope = crypto.encrypt("sk-1", HERE)
    assert crypto.current_ring().derived
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]
    assert crypto.decrypt(envelope, HERE) == "sk-1"
    assert crypto.needs_rotation(envelope)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Undecryptable):
        crypto.decrypt(envelope, HERE)


def test_a_ring_that_comes_later_still_reads_what_secret_key_encrypted(
    ring: Callable[..., None],
) -> None:
    envelope = crypto.encrypt("sk-1", HERE)
    ring(KEY)
    assert not crypto.current_ring().derived
    assert crypto.decrypt(envelope, HERE) == "sk-1"
    assert crypto.needs_rotation(envelope)


def test_the_ring_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, ring: Callable[..., None]
) -> None:
    monkeypatch.setenv("KONEEK_ENCRYPTION_KEYS", f"env:{KEY}")
    assert crypto.current_ring().keys[0].id == "env"
    ring(f"site:{KEY}")
    assert crypto.current_ring().keys[0].id == "site"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("too-short", "number 1 .* 32 bytes"),
        (f"{KEY},{OTHER}x", "number 2 .* 32 bytes"),
        (f"{KEY},", "number 2 .* 32 bytes"),
        ("+" * 43, "number 1 .* 32 bytes"),
        (f"b$d:{KEY}", "number 1 .* id"),
        (f":{KEY}", "number 1 .* id"),
        (f"a:{KEY},a:{OTHER}", "same id"),
    ],
)
def test_a_malformed_ring_is_refused_by_place_and_not_quoted(
    ring: Callable[..., None], written: str, complaint: str
) -> None:
    ring(written)
    with pytest.raises(MalformedKeyRing, match=complaint) as caught:
        crypto.encrypt("sk-1", HERE)
    assert KEY not in str(caught.value)
    assert caught.value.field == "KONEEK_ENCRYPTION_KEYS"


def test_no_key_is_in_the_repr_of_the_ring(ring: Callable[..., None]) -> None:
    ring(f"spring:{KEY}", OTHER)
    shown = repr(crypto.current_ring())
    assert "spring" in shown
    for key in (KEY, OTHER):
        assert key not in shown
        assert repr(urlsafe_b64decode(key + "=")) not in shown
