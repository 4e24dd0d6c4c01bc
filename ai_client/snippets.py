"""How programs use a connection: text to copy from the Connectors page."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from connectors.models import Connection
from connectors.snippets import Snippet

_CURL = """\
curl {base_url}/chat/completions \\
  -H "Authorization: Bearer $KONEEK_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{name}", "messages": [{{"role": "user", "content": "Why is the sky blue?"}}]}}'
"""
_SDK = """\
import os

from openai import OpenAI

client = OpenAI(base_url="{base_url}", api_key=os.environ["KONEEK_KEY"])
answer = client.chat.completions.create(
    model="{name}",
    messages=[{{"role": "user", "content": "Why is the sky blue?"}}],
)
print(answer.choices[0].message.content)
"""
_DJANGO = """\
from ai_client import prompt

print(prompt("Why is the sky blue?").using_model("{name}").generate_text())
"""


def snippets(request: HttpRequest, connection: Connection) -> list[Snippet]:
    """curl and OpenAI's client where the gateway is mounted with the URLconf, and Django code.

    The key of the gateway is named by a variable, and never stands in them.
    """
    found = []
    try:
        path = reverse("gateway:v1-chat-completions")
    except NoReverseMatch:
        pass
    else:
        base_url = request.build_absolute_uri(path).removesuffix("/chat/completions")
        found = [
            Snippet("curl", _CURL.format(base_url=base_url, name=connection.name)),
            Snippet(
                _("OpenAI's Python client"), _SDK.format(base_url=base_url, name=connection.name)
            ),
        ]
    return [*found, Snippet(_("Django code"), _DJANGO.format(name=connection.name))]
