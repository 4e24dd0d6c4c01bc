"""Writing and reading options: values by name, encrypted or plain."""

from __future__ import annotations

from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from connectors import crypto
from connectors.credentials import is_sendable, option_binding, provider_address
from connectors.errors import ConnectorError, FieldError
from connectors.masking import KeyChange, is_masked, merge
from connectors.models import Option
from connectors.registry import registry
from connectors.services.versions import bump_version, writing
from connectors.values import ConnectorType

_LONGEST_NAME = 191


def get_option(name: str, default: str | None = None) -> str | None:
    """The value of an option, in clear; ``default`` where there is none.

    Raises Undecryptable for an encrypted value that cannot be read.
    """
    option = Option.objects.filter(name=name).first()
    if option is None:
        return default
    return (
        crypto.decrypt(option.value, option_binding(option)) if option.encrypted else option.value
    )


@sensitive_variables()
def set_option(
    name: str, value: str | None, *, encrypted: bool | None = None, announced: bool = True
) -> bool:
    """Store a value; returns whether anything changed. None removes the option.

    ``encrypted`` None: as the stored option is, else plain. The key of a registered provider is
    always encrypted, and bound to the provider's address. The mask of the stored value keeps an
    encrypted one, and a blank value removes it. ``announced`` False: no request is served from
    it, so the configuration's version stays. Raises FieldError.
    """
    if value is None:
        return delete_option(name, announced=announced)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise FieldError(
            gettext("The name must be 1 to %(longest)d characters.") % {"longest": _LONGEST_NAME},
            field="name",
        )
    owner = next((each for each in registry.all() if each.setting_name == name), None)
    with writing() as database:
        option = Option.objects.using(database).filter(name=name).first() or Option(name=name)
        encrypt = owner is not None or (option.encrypted if encrypted is None else encrypted)
        if encrypt and not value.strip():
            return delete_option(name, announced=announced)
        origin = _origin(owner) if encrypt else ""
        in_place = option.pk and option.encrypted == encrypt and option.origin == origin
        if in_place and _is_kept(option, value):
            return False
        option.encrypted = encrypt
        option.origin = origin
        option.value = _seal(option, value, owner) if encrypt else value
        option.save(using=database)
        if announced:
            bump_version()
    return True


def delete_option(name: str, *, announced: bool = True) -> bool:
    """Remove an option; returns whether there was one. ``announced`` as in ``set_option``."""
    with writing() as database:
        deleted, _ = Option.objects.using(database).filter(name=name).delete()
        if deleted and announced:
            bump_version()
    return deleted > 0


@sensitive_variables()
def _seal(option: Option, value: str, owner: ConnectorType | None) -> str:
    if is_masked(value):
        raise FieldError(
            gettext(
                "%(name)s was given the mask of another key. Send the key itself, or leave it out."
            )
            % {"name": option.name},
            field="value",
        )
    if owner is not None and not is_sendable(value.strip()):
        raise FieldError(
            gettext("%(name)s holds characters that no HTTP header can carry.")
            % {"name": option.name},
            field="value",
        )
    return crypto.encrypt(value.strip() if owner else value, option_binding(option))


@sensitive_variables()
def _is_kept(option: Option, value: str) -> bool:
    if not option.encrypted:
        return value == option.value
    try:
        stored = crypto.decrypt(option.value, option_binding(option))
    except ConnectorError:
        return False
    return merge(stored, value) is KeyChange.KEEP


def _origin(owner: ConnectorType | None) -> str:
    address = provider_address(owner) if owner else None
    return address.origin if address else ""
