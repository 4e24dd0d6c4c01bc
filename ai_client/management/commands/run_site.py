"""The site on this machine, with simulated upstreams while it has no connection of its own."""

from __future__ import annotations

import secrets
import socket
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, no_translations

from ai_client.key_services import create_gateway_key
from ai_client.management.local_site import allow_private_hosts, asgi_path
from ai_client.models import GatewayKey
from ai_client.simulator.server import running_simulator
from connectors.models import Connection
from connectors.services import apply_connections

KEY_NAME = "local-trial"
USER_NAME = "admin"


class Command(BaseCommand):
    """``python manage.py run_site [--port 8000] [--simulator-port 9100]``"""

    help = "Serve the site on 127.0.0.1, with simulated upstreams when it has no connection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--simulator-port", type=int, default=9100)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            import uvicorn
        except ImportError as error:
            raise CommandError("run_site needs uvicorn: pip install 'uvicorn[standard]'") from error
        call_command("migrate", verbosity=0)
        port, simulator_port = options["port"], options["simulator_port"]
        with ExitStack() as open_ports:
            with refusing_in_words("site", port, "--port"):
                listening = open_ports.enter_context(listening_socket(port))
            if self._is_trial(simulator_port):
                with refusing_in_words("simulator", simulator_port, "--simulator-port"):
                    open_ports.enter_context(running_simulator(port=simulator_port))
                self._connect_trial(simulator_port)
            self._introduce(f"http://127.0.0.1:{port}")
            server = uvicorn.Server(
                uvicorn.Config(asgi_path(), host="127.0.0.1", port=port, log_config=None, ws="none")
            )
            # uvicorn raises the signal that ended it once more; Ctrl-C is how this command ends.
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listening])

    def _is_trial(self, port: int) -> bool:
        """Whether simulated upstreams are to answer: they do already, or there are no others."""
        trial = Connection.objects.filter(base_url__startswith=f"http://127.0.0.1:{port}")
        return trial.exists() or not Connection.objects.exists()

    @no_translations
    def _connect_trial(self, port: int) -> None:
        """Let the simulator's port be reached, with connections to it if there are none at all."""
        address = f"127.0.0.1:{port}"
        if not Connection.objects.exists():
            apply_connections(trial_connections(address))
            self.stdout.write("No connection is set up, so three simulated upstreams answer.")
        allow_private_hosts(address)

    @no_translations
    def _introduce(self, base: str) -> None:
        key = self._gateway_key()
        user = self._user()
        self.stdout.write(f"\nSite:     {base}/admin/")
        if user:
            self.stdout.write(f"Log in:   {USER_NAME} / {user}")
        self.stdout.write(f"Gateway:  {base}/v1")
        if key:
            self.stdout.write(
                f"Key:      {key}   (shown once)\n\n"
                f"  curl {base}/v1/chat/completions -H 'Authorization: Bearer {key}' \\\n"
                "       -H 'content-type: application/json' \\\n"
                '       -d \'{"model": "auto", "messages": '
                '[{"role": "user", "content": "Hello"}]}\'\n'
            )
        self.stdout.write("Ctrl-C stops it.\n")
        # Redirected output is buffered, and a server that a signal ends does not write it out.
        self.stdout.flush()

    def _gateway_key(self) -> str:
        """A new key where there is none yet; a key that exists cannot be shown again."""
        if GatewayKey.objects.exists():
            return ""
        return create_gateway_key(KEY_NAME)[1]

    def _user(self) -> str:
        """The password of a first superuser, made where there is nobody yet."""
        users = get_user_model()._default_manager
        if not settings.DEBUG or users.exists():
            return ""
        password = secrets.token_urlsafe(9)
        users.create_superuser(username=USER_NAME, email="", password=password)
        return password


@contextmanager
def listening_socket(port: int) -> Iterator[socket.socket]:
    """A socket on this machine's ``port``, taken before anything is said about the site."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        # Another program's attempt to have the port fails from here on.
        taken.listen()
        yield taken


@contextmanager
def refusing_in_words(what: str, port: int, option: str) -> Iterator[None]:
    """A port that cannot be had is a ``CommandError`` with the way out."""
    try:
        yield
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(
            f"The {what} cannot listen on 127.0.0.1 port {port}: {reason}. Stop what listens "
            f"there, another run_site say, or choose another port with {option}."
        ) from None


def trial_connections(address: str) -> list[dict[str, Any]]:
    """Three connections to a simulator at ``host:port``, one in each dialect."""
    return [
        {
            "name": name,
            "provider": provider,
            "base_url": f"http://{address}{path}",
            "api_key": "simulated-key",
            "model": model,
            "priority": priority,
        }
        for priority, (name, provider, path, model) in enumerate(
            (
                ("trial-openai", "openai", "/v1", "gpt-simulated"),
                ("trial-anthropic", "anthropic", "", "claude-simulated"),
                ("trial-google", "google", "", "gemini-simulated"),
            ),
            start=1,
        )
    ]
