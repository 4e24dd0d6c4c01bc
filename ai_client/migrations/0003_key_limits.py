from datetime import UTC
from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import TruncDate


def count_what_was_used(apps, schema_editor):
    """The use that the request log knows of, so that budgets count the current month whole."""
    log = apps.get_model("ai_client", "RequestLog").objects.using(schema_editor.connection.alias)
    usage = apps.get_model("ai_client", "GatewayKeyUsage")
    sums = (
        log.filter(gateway_key__isnull=False)
        .order_by()
        .values("gateway_key", day=TruncDate("created", tzinfo=UTC))
        .annotate(
            requests=models.Count("id", filter=~models.Q(outcome="refused")),
            tokens=models.Sum("total_tokens"),
            cost=models.Sum("cost"),
        )
    )
    usage.objects.using(schema_editor.connection.alias).bulk_create(
        usage(
            gateway_key_id=each["gateway_key"],
            day=each["day"],
            requests=each["requests"],
            tokens=each["tokens"] or 0,
            cost=each["cost"] or Decimal(0),
        )
        for each in sums
    )


class Migration(migrations.Migration):
    dependencies = [
        ("ai_client", "0002_verbose_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="gatewaykey",
            name="allowed_connections",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="The connections that it may use, by name. None chosen: all of them.",
                verbose_name="allowed connections",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="allowed_models",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="The models that it may use, * for any text: gpt-5*, or with the connection claude/claude-opus-*. Empty: all of them.",
                verbose_name="allowed models",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="budget_per_day",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                help_text="US dollars from midnight to midnight UTC. Empty: no limit.",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0.0001"))],
                verbose_name="budget per day",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="budget_per_month",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                help_text="US dollars in a calendar month, UTC. Empty: no limit.",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0.0001"))],
                verbose_name="budget per month",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="caller",
            field=models.CharField(
                blank=True,
                help_text="The name under which its requests are approved. Keys with the same one share their approvals. Empty: the key's own name.",
                max_length=100,
                verbose_name="caller",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Requests that may run at the same time. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2147483647),
                ],
                verbose_name="concurrency",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="last_used",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last used"),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="In any 60 seconds. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2147483647),
                ],
                verbose_name="requests per minute",
            ),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="tokens_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tokens of prompts and answers. A request is let in while fewer were used. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2147483647),
                ],
                verbose_name="tokens per minute",
            ),
        ),
        migrations.CreateModel(
            name="GatewayKeyUsage",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField(verbose_name="day")),
                ("requests", models.BigIntegerField(default=0, verbose_name="requests")),
                ("tokens", models.BigIntegerField(default=0, verbose_name="tokens")),
                (
                    "cost",
                    models.DecimalField(
                        decimal_places=10, default=Decimal(0), max_digits=28, verbose_name="cost"
                    ),
                ),
                (
                    "gateway_key",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to="ai_client.gatewaykey",
                    ),
                ),
            ],
            options={
                "verbose_name": "use of a gateway key",
                "verbose_name_plural": "use of gateway keys",
                "constraints": [
                    models.UniqueConstraint(fields=("gateway_key", "day"), name="ai_key_usage_day")
                ],
            },
        ),
        migrations.RunPython(count_what_was_used, migrations.RunPython.noop, elidable=True),
    ]
