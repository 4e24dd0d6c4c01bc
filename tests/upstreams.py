"""Upstreams for tests: the simulator in a thread, and ports where nobody answers.

A conftest makes the fixtures available with ``from tests.upstreams import *`` or by name.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from ai_client.simulator import Simulator, running_simulator

__all__ = ["locked_simulator", "refused_port", "silent_port", "simulator", "unaccepting_port"]

KEY = "sk-simulated-key-0123456789"
"""The only key that ``locked_simulator`` accepts."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulator of its own for the test, on a free port, that accepts any key."""
    with running_simulator() as running:
        yield running


@pytest.fixture
def locked_simulator() -> Iterator[Simulator]:
    """A simulator that accepts only ``KEY``."""
    with running_simulator(require_key=KEY) as running:
        yield running


@contextmanager
def refused_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections for as long as the block lasts.

    It is bound but not listening, so that no other program gets it meanwhile.
    """
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections (the kernel does) and never reads or writes a byte."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@contextmanager
def unaccepting_port() -> Iterator[int]:
    """A port whose queue is full: connecting to it neither succeeds nor fails (on Linux)."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port
