"""Everything that can go wrong between a caller and an upstream, drawn as a tree.

::

    AiClientError
    ├── RequestError                 the caller's request is at fault, no other connection helps
    │   ├── InvalidRequest             400  malformed, or an upstream said 400/422
    │   │   ├── ContextTooLong         400  another connection with more context may do
    │   │   └── InvalidArgument        400  a wrong argument of a Python call; never sent
    │   │       └── NoModelFound         400  no model here can do what the prompt needs
    │   ├── UnsupportedFeature         400  the target's dialect cannot say it; never sent
    │   │   └── CapabilityUnsupported  400  the provider's models are not for that
    │   ├── ContentFiltered            400  a policy of the upstream refused the prompt
    │   ├── PayloadTooLarge            413
    │   │   └── TooManyParts           413
    │   ├── RequestTimeout             408  the caller sent its body too slowly
    │   ├── EndpointNotFound           404  a path that the gateway does not serve
    │   ├── MethodNotAllowed           405
    │   ├── ModelNotFound              404  no connection, connection/model or model of that name
    │   ├── AuthenticationFailed       401  missing or unknown gateway key
    │   ├── PermissionRefused          403  the gateway key may not do this
    │   │   └── ConnectorNotApproved   403  nobody has allowed this caller the connector
    │   └── KeyLimitReached            429  the gateway key has used what it may
    │       └── BudgetExhausted        429  and that is money
    ├── AiDisabled                   503  AI is switched off on this site
    ├── TurnsExhausted               502  the model asked for functions once too often
    ├── ContentMissing               500  an answer, but none of the kind that is looked for in it
    ├── NoConnection                 503  nothing is configured, or everything is switched off
    ├── ConfigurationUnavailable     503  the database is away, and nothing was read before
    └── UpstreamError                an upstream failed; class attributes say what follows
        ├── NameNotResolved, AddressRefused, ConnectFailed, ConnectTimedOut, TlsFailed,
        │   PoolExhausted, WriteReset, StaleSocket, ConnectionReset
        ├── RateLimited, QuotaExhausted, Overloaded, KeyRejected, KeyUnreadable,
        │   ResourceRefused, UpstreamModelMissing, RedirectRefused
        ├── EndpointMissing            404
        ├── ServerFailed               502
        │   └── GatewayTimedOut          504
        ├── RequestConflict            409
        │   └── RequestGivenUp           504
        ├── HeadersTimedOut, FirstEventTimedOut, IdleTimedOut, DeadlineExceeded
        └── BadContent, MalformedAnswer, AnswerTooLarge, EmptyAnswer, StreamTruncated

``error.retryable``: is the next connection tried? ``error.effect`` over ``error.scope``: what it
does to the connection's health. ``status``, ``code``: what the gateway's client gets in the end.
"""

from __future__ import annotations

from ai_client.errors.base import (
    AiClientError,
    Effect,
    Scope,
)
from ai_client.errors.here import (
    AiDisabled,
    AuthenticationFailed,
    BudgetExhausted,
    CapabilityUnsupported,
    ConfigurationUnavailable,
    ConnectorNotApproved,
    ContentFiltered,
    ContentMissing,
    ContextTooLong,
    EndpointNotFound,
    InvalidArgument,
    InvalidRequest,
    KeyLimitReached,
    MethodNotAllowed,
    ModelNotFound,
    NoConnection,
    NoModelFound,
    PayloadTooLarge,
    PermissionRefused,
    RequestError,
    RequestTimeout,
    TooManyParts,
    TurnsExhausted,
    UnsupportedFeature,
)
from ai_client.errors.upstream import (
    AddressRefused,
    AnswerTooLarge,
    BadContent,
    ConnectFailed,
    ConnectionReset,
    ConnectTimedOut,
    DeadlineExceeded,
    EmptyAnswer,
    EndpointMissing,
    FirstEventTimedOut,
    GatewayTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    KeyRejected,
    KeyUnreadable,
    MalformedAnswer,
    NameNotResolved,
    Overloaded,
    PoolExhausted,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    RequestConflict,
    RequestGivenUp,
    ResourceRefused,
    ServerFailed,
    StaleSocket,
    StreamTruncated,
    TlsFailed,
    UpstreamError,
    UpstreamModelMissing,
    WriteReset,
)

__all__ = [
    "AddressRefused",
    "AiClientError",
    "AiDisabled",
    "AnswerTooLarge",
    "AuthenticationFailed",
    "BadContent",
    "BudgetExhausted",
    "CapabilityUnsupported",
    "ConfigurationUnavailable",
    "ConnectFailed",
    "ConnectTimedOut",
    "ConnectionReset",
    "ConnectorNotApproved",
    "ContentFiltered",
    "ContentMissing",
    "ContextTooLong",
    "DeadlineExceeded",
    "Effect",
    "EmptyAnswer",
    "EndpointMissing",
    "EndpointNotFound",
    "FirstEventTimedOut",
    "GatewayTimedOut",
    "HeadersTimedOut",
    "IdleTimedOut",
    "InvalidArgument",
    "InvalidRequest",
    "KeyLimitReached",
    "KeyRejected",
    "KeyUnreadable",
    "MalformedAnswer",
    "MethodNotAllowed",
    "ModelNotFound",
    "NameNotResolved",
    "NoConnection",
    "NoModelFound",
    "Overloaded",
    "PayloadTooLarge",
    "PermissionRefused",
    "PoolExhausted",
    "QuotaExhausted",
    "RateLimited",
    "RedirectRefused",
    "RequestConflict",
    "RequestError",
    "RequestGivenUp",
    "RequestTimeout",
    "ResourceRefused",
    "Scope",
    "ServerFailed",
    "StaleSocket",
    "StreamTruncated",
    "TlsFailed",
    "TooManyParts",
    "TurnsExhausted",
    "UnsupportedFeature",
    "UpstreamError",
    "UpstreamModelMissing",
    "WriteReset",
]
