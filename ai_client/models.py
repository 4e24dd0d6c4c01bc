"""What the AI client keeps in the database: its gateway keys and its request log."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from ai_client.records import Outcome


class GatewayKey(models.Model):
    """A key with which programs outside the site call the gateway. Written by ``key_services``."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    prefix = models.CharField(
        max_length=16, unique=True, editable=False, help_text="The first characters of the key."
    )
    digest = models.BinaryField(max_length=32, editable=False)
    allow_fallback = models.BooleanField(
        default=True,
        help_text=(
            "Whether other connections may answer when the model or connection that was asked "
            "for fails."
        ),
    )
    enabled = models.BooleanField(default=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Refused from then on. Empty: never."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A new key must not have expired already."""
        if self._state.adding and self.expires_at and self.expires_at <= timezone.now():
            raise ValidationError({"expires_at": "The expiry has passed. Choose a time to come."})


class RequestLog(models.Model):
    """One request, with its attempts. Written in batches by ``log.writer``, never edited.

    No prompt and no answer is in it. Names of connections are text, so that history outlives
    what it tells of. ``cost`` is in US dollars, times are in milliseconds.
    """

    class OutcomeChoices(models.TextChoices):
        """``records.Outcome`` as choices."""

        SUCCESS = Outcome.SUCCESS.value, "Success"
        ERROR = Outcome.ERROR.value, "Error"
        CLIENT_CLOSED = Outcome.CLIENT_CLOSED.value, "Client closed"
        REFUSED = Outcome.REFUSED.value, "Refused"

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(help_text="When the request began.")
    gateway_key = models.ForeignKey(
        GatewayKey,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    gateway_key_name = models.CharField(max_length=100, blank=True)
    caller = models.CharField(
        max_length=200, blank=True, help_text="Who asked, where it was not a gateway key."
    )
    dialect = models.CharField(
        max_length=40, help_text="The dialect of the caller, or 'python' for code of the site."
    )
    requested_model = models.CharField(max_length=255, blank=True)
    stream = models.BooleanField(default=False)
    connection = models.CharField(max_length=100, blank=True)
    connection_uuid = models.CharField(max_length=36, blank=True)
    provider = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=255, blank=True, help_text="The model that answered.")
    attempts = models.JSONField(default=list)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(null=True)
    completion_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    cached_tokens = models.BigIntegerField(null=True)
    cache_write_tokens = models.BigIntegerField(null=True)
    thought_tokens = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=18, decimal_places=10, null=True)
    cost_is_estimate = models.BooleanField(default=True)
    first_event_ms = models.FloatField(null=True)
    total_ms = models.FloatField(default=0.0)
    outcome = models.CharField(max_length=16, choices=OutcomeChoices.choices)
    error_code = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="What the caller got.")
    finish_reason = models.CharField(max_length=32, blank=True)
    warnings = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        verbose_name = "request"
        verbose_name_plural = "request log"
        indexes: ClassVar = [
            models.Index(fields=["-created", "-id"], name="ai_log_newest"),
            models.Index(fields=["connection", "-created", "-id"], name="ai_log_connection"),
            models.Index(fields=["outcome", "-created", "-id"], name="ai_log_outcome"),
            models.Index(fields=["gateway_key", "-created", "-id"], name="ai_log_gateway_key"),
        ]

    def __str__(self) -> str:
        return self.request_id
