"""What the AI client keeps in the database: its gateway keys and its request log."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ai_client.records import Outcome
from connectors.moments import storable

_LEAST_BUDGET = Decimal("0.0001")
# The most that every database stores there.
_A_NUMBER = [MinValueValidator(1), MaxValueValidator(2_147_483_647)]
# Control characters, ends of lines and paragraphs, overrides of the direction, and half characters.
# Spaces and joiners of all scripts are not among them.
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class GatewayKey(models.Model):
    """A key with which programs outside the site call the gateway. Written by ``key_services``."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=100, unique=True)
    prefix = models.CharField(
        _("prefix"),
        max_length=16,
        unique=True,
        editable=False,
        help_text=_("The first characters of the key."),
    )
    digest = models.BinaryField(max_length=32, editable=False)
    allow_fallback = models.BooleanField(
        _("allow fallback"),
        default=True,
        help_text=_(
            "Whether other connections may answer when the model or connection that was asked "
            "for fails."
        ),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    expires_at = models.DateTimeField(
        _("expires at"),
        null=True,
        blank=True,
        help_text=_("Refused from then on. Empty: never."),
    )
    caller = models.CharField(
        _("caller"),
        max_length=100,
        blank=True,
        help_text=_(
            "The name under which its requests are approved. Keys with the same one share their "
            "approvals. Empty: the key's own name."
        ),
    )
    allowed_connections = models.JSONField(
        _("allowed connections"),
        default=list,
        blank=True,
        help_text=_("The connections that it may use, by name. None chosen: all of them."),
    )
    allowed_models = models.JSONField(
        _("allowed models"),
        default=list,
        blank=True,
        help_text=_(
            "The models that it may use, * for any text: gpt-5*, or with the connection "
            "claude/claude-opus-*. Empty: all of them."
        ),
    )
    requests_per_minute = models.PositiveIntegerField(
        _("requests per minute"),
        null=True,
        blank=True,
        validators=_A_NUMBER,
        help_text=_("In any 60 seconds. Empty: no limit."),
    )
    tokens_per_minute = models.PositiveIntegerField(
        _("tokens per minute"),
        null=True,
        blank=True,
        validators=_A_NUMBER,
        help_text=_(
            "Tokens of prompts and answers. A request is let in while fewer were used. Empty: no "
            "limit."
        ),
    )
    concurrency = models.PositiveIntegerField(
        _("concurrency"),
        null=True,
        blank=True,
        validators=_A_NUMBER,
        help_text=_("Requests that may run at the same time. Empty: no limit."),
    )
    budget_per_day = models.DecimalField(
        _("budget per day"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(_LEAST_BUDGET)],
        help_text=_("US dollars from midnight to midnight UTC. Empty: no limit."),
    )
    budget_per_month = models.DecimalField(
        _("budget per month"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(_LEAST_BUDGET)],
        help_text=_("US dollars in a calendar month, UTC. Empty: no limit."),
    )
    last_used = models.DateTimeField(_("last used"), null=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("gateway key")
        verbose_name_plural = _("gateway keys")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Names are one line of text, and a new key must not have expired already.

        A name that the key has long had may stay.
        """
        unreadable = _("Line breaks, control characters and other invisible ones cannot be in it.")
        problems = {
            field: unreadable
            for field, text in (("name", self.name), ("caller", self.caller))
            if _UNREADABLE.search(text) and not self._is_stored(field, text)
        }
        try:
            self.expires_at = storable(self.expires_at) if self.expires_at else None
        except OverflowError:
            problems["expires_at"] = _(
                "There is no such time in every time zone. Choose an earlier one, or none for a "
                "key that never expires."
            )
        else:
            if self._state.adding and self.expires_at and self.expires_at <= timezone.now():
                problems["expires_at"] = _("The expiry has passed. Choose a time to come.")
        if problems:
            raise ValidationError(problems)

    def _is_stored(self, field: str, text: str) -> bool:
        stored = GatewayKey.objects.filter(pk=self.pk).values_list(field, flat=True)
        return not self._state.adding and stored.first() == text


class GatewayKeyUsage(models.Model):
    """What a key used in one day (UTC). Added to by the log's writer, with the rows of the log.

    It outlives those rows, so a month's budget does not depend on how long the log is kept.
    ``requests`` leaves out what was refused; ``cost`` is in US dollars.
    """

    id = models.BigAutoField(primary_key=True)
    gateway_key = models.ForeignKey(
        GatewayKey, on_delete=models.CASCADE, related_name="usage", db_index=False
    )
    day = models.DateField(_("day"))
    requests = models.BigIntegerField(_("requests"), default=0)
    tokens = models.BigIntegerField(_("tokens"), default=0)
    cost = models.DecimalField(_("cost"), max_digits=28, decimal_places=10, default=Decimal(0))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gateway_key", "day"], name="ai_key_usage_day"),
        ]
        verbose_name = _("use of a gateway key")
        verbose_name_plural = _("use of gateway keys")

    def __str__(self) -> str:
        return f"{self.gateway_key_id} {self.day}"


class RequestLog(models.Model):
    """One request, with its attempts. Written in batches by ``log.writer``, never edited.

    No prompt and no answer is in it. Names of connections are text, so that history outlives
    what it tells of. ``cost`` is in US dollars, times are in milliseconds.
    """

    class OutcomeChoices(models.TextChoices):
        """``records.Outcome`` as choices."""

        SUCCESS = Outcome.SUCCESS.value, _("Success")
        ERROR = Outcome.ERROR.value, _("Error")
        CLIENT_CLOSED = Outcome.CLIENT_CLOSED.value, _("Client closed")
        REFUSED = Outcome.REFUSED.value, _("Refused")

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(_("request id"), max_length=64, unique=True)
    created = models.DateTimeField(_("created"), help_text=_("When the request began."))
    gateway_key = models.ForeignKey(
        GatewayKey,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        verbose_name=_("gateway key"),
    )
    gateway_key_name = models.CharField(_("gateway key name"), max_length=100, blank=True)
    caller = models.CharField(
        _("caller"),
        max_length=200,
        blank=True,
        help_text=_("Who asked, where it was not a gateway key."),
    )
    dialect = models.CharField(
        _("dialect"),
        max_length=40,
        help_text=_("The dialect of the caller, or 'python' for code of the site."),
    )
    requested_model = models.CharField(_("requested model"), max_length=255, blank=True)
    stream = models.BooleanField(_("stream"), default=False)
    connection = models.CharField(_("connection"), max_length=100, blank=True)
    connection_uuid = models.CharField(_("connection uuid"), max_length=36, blank=True)
    provider = models.CharField(_("provider"), max_length=100, blank=True)
    model = models.CharField(
        _("model"), max_length=255, blank=True, help_text=_("The model that answered.")
    )
    attempts = models.JSONField(_("attempts"), default=list)
    attempt_count = models.PositiveSmallIntegerField(_("attempt count"), default=0)
    prompt_tokens = models.BigIntegerField(_("prompt tokens"), null=True)
    completion_tokens = models.BigIntegerField(_("completion tokens"), null=True)
    total_tokens = models.BigIntegerField(_("total tokens"), null=True)
    cached_tokens = models.BigIntegerField(_("cached tokens"), null=True)
    cache_write_tokens = models.BigIntegerField(_("cache write tokens"), null=True)
    thought_tokens = models.BigIntegerField(_("thought tokens"), null=True)
    cost = models.DecimalField(_("cost"), max_digits=18, decimal_places=10, null=True)
    cost_is_estimate = models.BooleanField(_("cost is estimate"), default=True)
    first_event_ms = models.FloatField(_("first event ms"), null=True)
    total_ms = models.FloatField(_("total ms"), default=0.0)
    outcome = models.CharField(_("outcome"), max_length=16, choices=OutcomeChoices.choices)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(
        _("status"), null=True, help_text=_("What the caller got.")
    )
    finish_reason = models.CharField(_("finish reason"), max_length=32, blank=True)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        verbose_name = _("request")
        verbose_name_plural = _("request log")
        indexes: ClassVar = [
            models.Index(fields=["-created", "-id"], name="ai_log_newest"),
            models.Index(fields=["outcome", "-created", "-id"], name="ai_log_outcome"),
            # The outcome at the end spares looking each row up for those of one outcome.
            models.Index(
                fields=["connection", "-created", "-id", "outcome"], name="ai_log_connection"
            ),
            models.Index(fields=["provider", "-created", "-id", "outcome"], name="ai_log_provider"),
            models.Index(fields=["dialect", "-created", "-id", "outcome"], name="ai_log_dialect"),
            models.Index(fields=["stream", "-created", "-id", "outcome"], name="ai_log_stream"),
            models.Index(
                fields=["gateway_key", "-created", "-id", "outcome"], name="ai_log_gateway_key"
            ),
        ]

    def __str__(self) -> str:
        return self.request_id
