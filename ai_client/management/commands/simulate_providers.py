"""``manage.py simulate_providers``: the local stand-in upstreams, until Ctrl-C."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from ai_client.simulator import MODELS, Simulator, listing


class Command(BaseCommand):
    """Serves the three dialects on one port, on this machine only unless ``--host`` says more."""

    help = "Runs simulated OpenAI, Anthropic and Gemini upstreams that need no key and can fail."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=9100, help="port, 0 for a free one")
        parser.add_argument("--list", action="store_true", help="list the failures and stop")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Lists the failures, or serves until it is interrupted."""
        if options["list"]:
            self.stdout.write(listing())
            return
        try:
            asyncio.run(self._serve(options["host"], options["port"]))
        except OSError as error:
            raise CommandError(
                f"The simulator cannot listen on {options['host']} port {options['port']}: "
                f"{error.strerror or error}. Choose another with --host or --port."
            ) from None

    async def _serve(self, host: str, port: int) -> None:
        simulator = Simulator()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        await simulator.start(host, port)
        self._announce(simulator)
        await stopped.wait()
        await simulator.stop()
        self.stdout.write("Stopped.")

    def _announce(self, simulator: Simulator) -> None:
        if not _is_loopback(simulator.host):
            self.stderr.write(f"Everybody who reaches {simulator.host} can use the simulator.")
        for dialect, models in MODELS.items():
            self.stdout.write(
                f"{dialect:<10} {simulator.base_url(dialect):<32} models: {', '.join(models)}"
            )
        self.stdout.write("\nAny key and any model name will do. To see a failure, ask for the")
        self.stdout.write("model fail-FAILURE or put /fail/FAILURE before the path:\n\n")
        self.stdout.write(listing())
        self.stdout.write("\nCtrl-C stops it.")
        self.stdout.flush()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
