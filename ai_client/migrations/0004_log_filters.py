from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ai_client", "0003_key_limits"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="requestlog", name="ai_log_connection"),
        migrations.RemoveIndex(model_name="requestlog", name="ai_log_gateway_key"),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["connection", "-created", "-id", "outcome"], name="ai_log_connection"
            ),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["provider", "-created", "-id", "outcome"], name="ai_log_provider"
            ),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["dialect", "-created", "-id", "outcome"], name="ai_log_dialect"
            ),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["stream", "-created", "-id", "outcome"], name="ai_log_stream"
            ),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["gateway_key", "-created", "-id", "outcome"], name="ai_log_gateway_key"
            ),
        ),
    ]
