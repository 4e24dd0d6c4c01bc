import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ai_client", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="gatewaykey",
            options={
                "ordering": ["name"],
                "verbose_name": "gateway key",
                "verbose_name_plural": "gateway keys",
            },
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="allow_fallback",
            field=models.BooleanField(
                default=True,
                help_text="Whether other connections may answer when the model or connection that was asked for fails.",
                verbose_name="allow fallback",
            ),
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="created",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="enabled",
            field=models.BooleanField(default=True, verbose_name="enabled"),
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Refused from then on. Empty: never.",
                null=True,
                verbose_name="expires at",
            ),
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="name",
            field=models.CharField(max_length=100, unique=True, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="gatewaykey",
            name="prefix",
            field=models.CharField(
                editable=False,
                help_text="The first characters of the key.",
                max_length=16,
                unique=True,
                verbose_name="prefix",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="attempt_count",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="attempt count"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="attempts",
            field=models.JSONField(default=list, verbose_name="attempts"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="cache_write_tokens",
            field=models.BigIntegerField(null=True, verbose_name="cache write tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="cached_tokens",
            field=models.BigIntegerField(null=True, verbose_name="cached tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="caller",
            field=models.CharField(
                blank=True,
                help_text="Who asked, where it was not a gateway key.",
                max_length=200,
                verbose_name="caller",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="completion_tokens",
            field=models.BigIntegerField(null=True, verbose_name="completion tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="connection",
            field=models.CharField(blank=True, max_length=100, verbose_name="connection"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="connection_uuid",
            field=models.CharField(blank=True, max_length=36, verbose_name="connection uuid"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="cost",
            field=models.DecimalField(
                decimal_places=10, max_digits=18, null=True, verbose_name="cost"
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="cost_is_estimate",
            field=models.BooleanField(default=True, verbose_name="cost is estimate"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="created",
            field=models.DateTimeField(help_text="When the request began.", verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="dialect",
            field=models.CharField(
                help_text="The dialect of the caller, or 'python' for code of the site.",
                max_length=40,
                verbose_name="dialect",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="error_code",
            field=models.CharField(blank=True, max_length=64, verbose_name="error code"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="finish_reason",
            field=models.CharField(blank=True, max_length=32, verbose_name="finish reason"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="first_event_ms",
            field=models.FloatField(null=True, verbose_name="first event ms"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="gateway_key",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="ai_client.gatewaykey",
                verbose_name="gateway key",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="gateway_key_name",
            field=models.CharField(blank=True, max_length=100, verbose_name="gateway key name"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="model",
            field=models.CharField(
                blank=True,
                help_text="The model that answered.",
                max_length=255,
                verbose_name="model",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("success", "Success"),
                    ("error", "Error"),
                    ("client_closed", "Client closed"),
                    ("refused", "Refused"),
                ],
                max_length=16,
                verbose_name="outcome",
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="prompt_tokens",
            field=models.BigIntegerField(null=True, verbose_name="prompt tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="provider",
            field=models.CharField(blank=True, max_length=100, verbose_name="provider"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="request_id",
            field=models.CharField(max_length=64, unique=True, verbose_name="request id"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="requested_model",
            field=models.CharField(blank=True, max_length=255, verbose_name="requested model"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="status",
            field=models.PositiveSmallIntegerField(
                help_text="What the caller got.", null=True, verbose_name="status"
            ),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="stream",
            field=models.BooleanField(default=False, verbose_name="stream"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="thought_tokens",
            field=models.BigIntegerField(null=True, verbose_name="thought tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="total_ms",
            field=models.FloatField(default=0.0, verbose_name="total ms"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="total_tokens",
            field=models.BigIntegerField(null=True, verbose_name="total tokens"),
        ),
        migrations.AlterField(
            model_name="requestlog",
            name="warnings",
            field=models.JSONField(blank=True, default=list, verbose_name="warnings"),
        ),
    ]
