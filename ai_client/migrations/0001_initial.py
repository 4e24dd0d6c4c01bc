import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="GatewayKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "prefix",
                    models.CharField(
                        editable=False,
                        help_text="The first characters of the key.",
                        max_length=16,
                        unique=True,
                    ),
                ),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "allow_fallback",
                    models.BooleanField(
                        default=True,
                        help_text="Whether other connections may answer when the model or connection that was asked for fails.",
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True, help_text="Refused from then on. Empty: never.", null=True
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RequestLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("request_id", models.CharField(max_length=64, unique=True)),
                ("created", models.DateTimeField(help_text="When the request began.")),
                ("gateway_key_name", models.CharField(blank=True, max_length=100)),
                (
                    "caller",
                    models.CharField(
                        blank=True,
                        help_text="Who asked, where it was not a gateway key.",
                        max_length=200,
                    ),
                ),
                (
                    "dialect",
                    models.CharField(
                        help_text="The dialect of the caller, or 'python' for code of the site.",
                        max_length=40,
                    ),
                ),
                ("requested_model", models.CharField(blank=True, max_length=255)),
                ("stream", models.BooleanField(default=False)),
                ("connection", models.CharField(blank=True, max_length=100)),
                ("connection_uuid", models.CharField(blank=True, max_length=36)),
                ("provider", models.CharField(blank=True, max_length=100)),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="The model that answered.", max_length=255
                    ),
                ),
                ("attempts", models.JSONField(default=list)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("prompt_tokens", models.BigIntegerField(null=True)),
                ("completion_tokens", models.BigIntegerField(null=True)),
                ("total_tokens", models.BigIntegerField(null=True)),
                ("cached_tokens", models.BigIntegerField(null=True)),
                ("cache_write_tokens", models.BigIntegerField(null=True)),
                ("thought_tokens", models.BigIntegerField(null=True)),
                ("cost", models.DecimalField(decimal_places=10, max_digits=18, null=True)),
                ("cost_is_estimate", models.BooleanField(default=True)),
                ("first_event_ms", models.FloatField(null=True)),
                ("total_ms", models.FloatField(default=0.0)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("error", "Error"),
                            ("client_closed", "Client closed"),
                            ("refused", "Refused"),
                        ],
                        max_length=16,
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=64)),
                (
                    "status",
                    models.PositiveSmallIntegerField(help_text="What the caller got.", null=True),
                ),
                ("finish_reason", models.CharField(blank=True, max_length=32)),
                ("warnings", models.JSONField(blank=True, default=list)),
                (
                    "gateway_key",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="ai_client.gatewaykey",
                    ),
                ),
            ],
            options={
                "verbose_name": "request",
                "verbose_name_plural": "request log",
                "ordering": ["-created", "-id"],
                "indexes": [
                    models.Index(fields=["-created", "-id"], name="ai_log_newest"),
                    models.Index(
                        fields=["connection", "-created", "-id"], name="ai_log_connection"
                    ),
                    models.Index(fields=["outcome", "-created", "-id"], name="ai_log_outcome"),
                    models.Index(
                        fields=["gateway_key", "-created", "-id"], name="ai_log_gateway_key"
                    ),
                ],
            },
        ),
    ]
