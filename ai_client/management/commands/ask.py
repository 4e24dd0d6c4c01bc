"""Ask the site's connections from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from ai_client.client import default_client
from ai_client.errors import AiClientError
from ai_client.events import PartDelta, PartKind, PartStart
from ai_client.messages import GenerationRequest, user_message
from ai_client.router import AUTO


class Command(BaseCommand):
    """``python manage.py ask "prompt" [--model M] [--stream]``"""

    help = "Ask the first connection that works and print its answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", help="The question.")
        parser.add_argument(
            "--model",
            default=AUTO,
            help="auto (the whole chain), a connection, connection/model, or a model id.",
        )
        parser.add_argument("--stream", action="store_true", help="Print the answer as it comes.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            request = GenerationRequest((user_message(options["prompt"]),))
            if options["stream"]:
                self._stream(request, options["model"])
            else:
                client = default_client()
                result = client.generate(request, model=options["model"], caller="ask")
                self.stdout.write(result.to_text())
        except AiClientError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def _stream(self, request: GenerationRequest, model: str) -> None:
        texts: set[int] = set()
        for event in default_client().stream(request, model=model, caller="ask"):
            if isinstance(event, PartStart) and event.kind is PartKind.TEXT:
                texts.add(event.index)
            elif isinstance(event, PartDelta) and event.index in texts:
                self.stdout.write(event.text, ending="")
                self.stdout.flush()
        self.stdout.write("")
