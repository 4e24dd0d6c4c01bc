"""What is known of models and providers without asking anybody: metadata from provider values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from ai_client.capabilities import (
    AuthenticationMethod,
    Capability,
    JsonValue,
    ModelMetadata,
    Option,
    ProviderMetadata,
)
from ai_client.model_options import GENERIC_TEXT
from ai_client.providers import ModelKind, Provider, fits
from ai_client.requirements import TUNING
from ai_client.snapshot import ConnectionConfig

GENERIC_CAPABILITIES = (Capability.TEXT_GENERATION, Capability.CHAT_HISTORY)
"""What a model of which nothing is known is taken to be for."""


@lru_cache(maxsize=8192)
def metadata(provider: Provider, model_id: str, name: str = "") -> ModelMetadata:
    """What ``model_id`` can do: by the provider's list, else by its kinds, else taken as text.

    A model of which nothing is known is taken to take every text option, and text, pictures,
    documents and sound as input.
    """
    for each in provider.models:
        if each.id == model_id:
            return each
    kind = _kind(provider, model_id)
    if kind is not None:
        return ModelMetadata(model_id, name or model_id, kind.capabilities, kind.options)
    return ModelMetadata(model_id, name or model_id, GENERIC_CAPABILITIES, GENERIC_TEXT)


@lru_cache(maxsize=512)
def provider_metadata(provider: Provider) -> ProviderMetadata:
    """Who the provider is, in the PHP AI Client's terms."""
    return ProviderMetadata(
        id=provider.slug,
        name=provider.name,
        type=provider.type,
        description=provider.description or None,
        credentials_url=provider.credentials_url,
        authentication_method=AuthenticationMethod.API_KEY if provider.key_required else None,
    )


def known(connection: ConnectionConfig) -> tuple[ModelMetadata, ...]:
    """The models that a connection names itself, its own first."""
    if connection.provider.name_models is not None:
        given = (connection.model, *connection.models)
        return connection.provider.name_models(given, connection.options)
    names = dict.fromkeys(name for name in (connection.model, *connection.models) if name)
    return tuple(metadata(connection.provider, name) for name in names)


def purposes(connection: ConnectionConfig, model_id: str) -> tuple[Capability, ...]:
    """What a connection's model is known to be for; empty where nothing is known of it.

    A table's row for any model at all says nothing of this one, nor does a connection that takes a
    name of somebody's own for such a model.
    """
    provider = connection.provider
    kind = _kind(provider, model_id)
    for_any = kind is None or "*" in kind.models
    listed = known(connection) if provider.name_models is not None else provider.models
    for each in listed:
        if each.id != model_id:
            continue
        if provider.name_models is None or not for_any or each.capabilities != _of(kind):
            return each.capabilities
        return _of(_kind_by_name(provider, model_id))
    return () if for_any else _of(kind)


def is_known(connection: ConnectionConfig, model_id: str) -> bool:
    """Whether anything says what the connection's model can do; else it is taken as text."""
    provider = connection.provider
    if provider.name_models is not None and known(connection):
        return True
    return (
        any(each.id == model_id for each in provider.models)
        or _kind(provider, model_id) is not None
    )


@lru_cache(maxsize=8192)
def tuning_refused_by(provider: Provider, model_id: str) -> tuple[Option, ...]:
    """The tuning that a model which writes is known to refuse; none where nothing is known of it.

    A table's row that is a guess, or for any model at all, says nothing of this one.
    """
    kinds = provider.kinds if provider.tuned_like is None else provider.tuned_like
    found: ModelMetadata | ModelKind | None = next(
        (each for each in provider.models if each.id == model_id), None
    ) or next((kind for kind in kinds if fits(model_id, kind.models)), None)
    if found is None or (isinstance(found, ModelKind) and (found.guessed or "*" in found.models)):
        return ()
    if Capability.TEXT_GENERATION not in found.capabilities:
        return ()
    taken = {option.name for option in found.options}
    return tuple(option for option in Option if option in TUNING and option not in taken)


def named(
    provider: Provider, model: str, others: Iterable[str], options: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """The ids that a connection names, in its fields too, the one that it uses by itself first.

    That is its own model, else the first of the others that talks, else blank where it names none.
    """
    given = tuple(dict.fromkeys(name for name in (model, *others) if name))
    if provider.name_models is None:
        return given if model or not given else ("", *given)
    models = provider.name_models(given, options)
    own = model or next(
        (each.id for each in models if Capability.TEXT_GENERATION in each.capabilities), ""
    )
    ids = tuple(dict.fromkeys((own, *given, *(each.id for each in models))))
    return ids if any(ids) else ()


def ordered(provider: Provider, models: Iterable[ModelMetadata]) -> tuple[ModelMetadata, ...]:
    """Models by the order of the provider's kinds, those of none last; else as they come.

    Models that are asked for text in another wire format than the provider's own stand behind all.
    """
    positions = {id(kind): position for position, kind in enumerate(provider.kinds)}

    def position(model: ModelMetadata) -> tuple[bool, int]:
        kind = _kind(provider, model.id)
        wire = provider.wire_for(Capability.TEXT_GENERATION, model.id)
        return wire != provider.wire, len(positions) if kind is None else positions[id(kind)]

    return tuple(sorted(models, key=position))


def _kind_by_name(provider: Provider, model_id: str) -> ModelKind | None:
    """The kind of what the name is usually given to, where ``kinds`` cannot tell that."""
    kinds = provider.tuned_like or ()
    return next((each for each in kinds if not each.guessed and fits(model_id, each.models)), None)


def _of(kind: ModelKind | None) -> tuple[Capability, ...]:
    return () if kind is None else kind.capabilities


@lru_cache(maxsize=8192)
def _kind(provider: Provider, model_id: str) -> ModelKind | None:
    return next((kind for kind in provider.kinds if fits(model_id, kind.models)), None)
