"""What is stored. Only ``services`` writes these tables."""

from __future__ import annotations

import uuid

from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    CheckConstraint,
    DateTimeField,
    FloatField,
    IntegerField,
    JSONField,
    Model,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    Q,
    TextChoices,
    TextField,
    UniqueConstraint,
    UUIDField,
)
from django.utils.translation import gettext_lazy as _

from connectors.conf import MAXIMUM_TIMEOUT
from connectors.values import FieldValue


def new_revision() -> str:
    """A revision that no row has had before."""
    return uuid.uuid4().hex


class ConfigurationVersion(Model):
    """One row with one number, which every write moves; readers poll it."""

    SINGLE = 1

    id = PositiveSmallIntegerField(primary_key=True, default=SINGLE)
    version = BigIntegerField(default=0)

    class Meta:
        constraints = (CheckConstraint(condition=Q(id=1), name="connectors_version_is_one_row"),)

    def __str__(self) -> str:
        return str(self.version)

    @classmethod
    def current(cls) -> int:
        """The version in force; 0 before the first write."""
        return cls.objects.filter(pk=cls.SINGLE).values_list("version", flat=True).first() or 0


class Option(Model):
    """A value by name. ``value`` is an envelope where ``encrypted`` is set.

    ``origin`` is the address that an encrypted value may be sent to; blank where it is not a
    provider's key.
    """

    name = CharField(_("name"), max_length=191)
    value = TextField(_("value"), blank=True)
    encrypted = BooleanField(_("encrypted"), default=False)
    origin = CharField(_("origin"), max_length=300, blank=True, editable=False)
    updated = DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("option")
        verbose_name_plural = _("options")
        ordering = ("name",)
        constraints = (UniqueConstraint(fields=("name",), name="connectors_option_name"),)

    def __str__(self) -> str:
        return self.name


class Connection(Model):
    """One way to a provider: address, key, model, and its place in the order.

    ``models`` are further model ids that the connection lists. ``api_key_encrypted`` is the
    envelope of the key, or the seal of ``api_key_env`` where the key stays in an environment
    variable; ``api_key_origin`` is the address either was given for. ``option_name`` is what the
    connection is called in Koneek for WordPress: given when it is made, and kept for good.
    """

    id = UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = CharField(_("name"), max_length=100)
    option_name = CharField(_("option name"), max_length=255, editable=False)
    provider = CharField(_("provider"), max_length=100)
    base_url = CharField(_("base URL"), max_length=500, blank=True)
    model = CharField(_("model"), max_length=200, blank=True)
    models: JSONField[list[str], list[str]] = JSONField(
        _("further models"), default=list, blank=True
    )
    priority = IntegerField(_("priority"), default=1)
    timeout = FloatField(_("timeout in seconds"), default=60.0)
    enabled = BooleanField(_("enabled"), default=True)
    fields: JSONField[dict[str, FieldValue], dict[str, FieldValue]] = JSONField(
        _("provider's fields"), default=dict, blank=True
    )
    api_key_encrypted = TextField(blank=True, editable=False)
    api_key_env = CharField(max_length=200, blank=True, editable=False)
    api_key_origin = CharField(max_length=300, blank=True, editable=False)
    revision = CharField(max_length=32, default=new_revision, editable=False)
    created = DateTimeField(_("created"), auto_now_add=True)
    updated = DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("priority", "created", "name")
        permissions = (
            ("replace_key", _("Can replace the key of a connection")),
            ("test_connection", _("Can test a connection")),
            ("decide_approval", _("Can decide which app may use which connector")),
        )
        constraints = (
            UniqueConstraint(fields=("name",), name="connectors_connection_name"),
            UniqueConstraint(fields=("option_name",), name="connectors_connection_option"),
            CheckConstraint(condition=~Q(option_name=""), name="connectors_connection_has_option"),
            CheckConstraint(
                condition=Q(timeout__gt=0, timeout__lte=MAXIMUM_TIMEOUT),
                name="connectors_connection_timeout",
            ),
        )

    def __str__(self) -> str:
        return self.name


class ApprovalState(TextChoices):
    """What the site's owner has decided."""

    PENDING = "pending", _("Pending")
    ALLOWED = "allowed", _("Allowed")
    DENIED = "denied", _("Denied")


class Approval(Model):
    """Whether a caller may use a connector.

    ``caller`` is an app's label or ``gateway:`` and a gateway key's name; ``connector`` a slug.
    ``attempts`` counts the refused requests, between ``first_seen`` and ``last_seen``.
    """

    caller = CharField(_("caller"), max_length=150)
    connector = CharField(_("connector"), max_length=100)
    state = CharField(
        _("state"), max_length=10, choices=ApprovalState, default=ApprovalState.PENDING
    )
    attempts = PositiveIntegerField(_("refused attempts"), default=0)
    first_seen = DateTimeField(_("first seen"), null=True, blank=True)
    last_seen = DateTimeField(_("last seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("caller", "connector")
        constraints = (
            UniqueConstraint(fields=("caller", "connector"), name="connectors_approval_pair"),
        )

    def __str__(self) -> str:
        return f"{self.caller} → {self.connector}"
