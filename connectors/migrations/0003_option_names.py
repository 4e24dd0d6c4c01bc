"""Each connection gets the option name that it had been shown with: the oldest come first."""

import re

from django.db import migrations, models

PREFIX = "koneek_api_key_"


def give_names(apps, schema_editor):
    """In the order of their making, so that a number stays where it was shown."""
    connections = apps.get_model("connectors", "Connection").objects.using(
        schema_editor.connection.alias
    )
    taken = set()
    for pk, provider, name in connections.order_by("created", "name").values_list(
        "pk", "provider", "name"
    ):
        found = _name(provider, name, taken)
        taken.add(found)
        connections.filter(pk=pk).update(option_name=found)


def _name(provider, name, taken):
    """The rule of ``connectors.option_names`` as it was when this was written."""
    slug = re.escape(provider.replace("_", "-"))
    is_made = re.fullmatch(rf"{slug}(?:-(?:[2-9]|[1-9][0-9]+))?", name)
    stem = PREFIX + provider.replace("-", "_") + ("" if is_made else f"_{name.lower()}")
    found, number = stem, 1
    while found in taken:
        number += 1
        found = f"{stem}_{number}"
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0002_approvals"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="option_name",
            field=models.CharField(
                default="", editable=False, max_length=255, verbose_name="option name"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(give_names, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(
                fields=("option_name",), name="connectors_connection_option"
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(("option_name", ""), _negated=True),
                name="connectors_connection_has_option",
            ),
        ),
    ]
