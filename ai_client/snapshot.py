"""The immutable configuration that requests use: connections, gateway keys, a version.

Pure values. ``connections.py`` fills them from the database; tests build them by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ai_client.approvals import Approvals, caller_label, gateway_caller
from ai_client.key_rights import KeyLimits, KeyScope
from ai_client.messages import JsonValue
from ai_client.providers import Provider


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One connection, ready for use. Times are in seconds.

    ``revision`` changes with every edit, so that health states that last "until edited" end with
    it. ``unusable`` says why the connection cannot be used at all (an unreadable or missing key);
    empty when it can; ``key_unreadable`` is set where that is why. ``api_key`` never appears in
    ``repr``.
    """

    id: str
    name: str
    provider: Provider
    model: str
    base_url: str
    priority: int = 0
    api_key: str = field(default="", repr=False)
    models: tuple[str, ...] = ()
    timeout: float = 60.0
    revision: str = ""
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    unusable: str = ""
    key_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class GatewayKeyConfig:
    """What the gateway knows of a key: its name, its HMAC, what it may do.

    ``caller`` is the name under which it is approved, if not its own. ``scope`` and ``limits`` are
    None where the key has none, so that such a key costs a request no more than the look.
    """

    id: int
    name: str
    prefix: str
    digest: bytes = field(repr=False)
    allow_fallback: bool = True
    expires_at: float | None = None
    caller: str = ""
    scope: KeyScope | None = None
    limits: KeyLimits | None = None

    @property
    def label(self) -> str:
        """The label under which its requests are approved."""
        return caller_label(gateway_caller(self.caller or self.name))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the whole configuration. Connections are in order of priority."""

    version: int = 0
    connections: tuple[ConnectionConfig, ...] = ()
    implicit: tuple[ConnectionConfig, ...] = ()
    """One for each provider that has a key of its own and no connection: Python's prompts may use
    it after all connections, the gateway does not."""
    gateway_keys: Mapping[str, GatewayKeyConfig] = field(default_factory=dict)
    """By prefix."""
    approvals: Approvals = field(default_factory=Approvals)
