"""The pages of docs/reference, and which names stand on which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A page: a module's own words first, then names by the module that they are imported from.

    Without ``names`` it has all public names of the module, in the order in which they are defined.
    """

    file: str
    title: str
    about: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]


PAGES = (
    Page(
        "prompts.md",
        "Prompts",
        "What Python programs ask with. Import these names from `ai_client`.",
        (
            ("ai_client.prompts", ()),
            ("ai_client.prompt_builder", ("PromptBuilder", "Model", "StartedOperation", "Prompt")),
            ("ai_client.functions", ("FunctionRun", "FunctionRefused")),
        ),
    ),
    Page(
        "messages.md",
        "Messages, settings and results",
        "Import them from `ai_client.messages`; the most used ones are in `ai_client` too.",
        (("ai_client.messages", ()),),
    ),
    Page(
        "streaming.md",
        "Events of a stream",
        "What `stream_events` and `astream_events` give, from `ai_client.events`.",
        (("ai_client.events", ()),),
    ),
    Page(
        "capabilities.md",
        "Capabilities, options, requirements",
        "What models can do, and what a prompt needs.",
        (
            (
                "ai_client.capabilities",
                (
                    "Capability",
                    "Modality",
                    "FileType",
                    "MediaOrientation",
                    "Option",
                    "ProviderType",
                    "AuthenticationMethod",
                    "SupportedOption",
                    "RequiredOption",
                    "ModelMetadata",
                    "ProviderMetadata",
                    "ProviderModels",
                    "ModelRequirements",
                    "modality_combinations",
                ),
            ),
            ("ai_client.requirements", ("infer", "are_met_by")),
        ),
    ),
    Page(
        "registry.md",
        "The registry of providers",
        "Who there is, who is configured, which models fit.",
        (
            (
                "ai_client.registry",
                ("default_registry", "ProviderRegistry", "Authentication", "Transporter"),
            ),
        ),
    ),
    Page(
        "providers.md",
        "Declaring a provider",
        "What a provider's file is made of; [providers.md](../providers.md) shows how.",
        (
            (
                "ai_client.providers",
                (
                    "Provider",
                    "Auth",
                    "Operation",
                    "ModelKind",
                    "Call",
                    "Addressing",
                    "Naming",
                    "Probe",
                    "Answered",
                    "Detected",
                    "NothingDetected",
                    "Detection",
                    "Detecting",
                    "TALKS",
                    "fits",
                    "scan",
                ),
            ),
            ("ai_client.model_options", ()),
            ("ai_client.registration", ("register_providers", "registered", "provider_for")),
            ("ai_client.wire", ("WireRequest",)),
        ),
    ),
    Page(
        "signals.md",
        "Signals",
        "[events.md](../events.md) shows how to use them.",
        (("ai_client.signals", ()),),
    ),
    Page(
        "errors.md",
        "Errors",
        "What each of them means and what to do is in [errors.md](../errors.md).",
        (
            ("ai_client.errors.base", ()),
            ("ai_client.errors.here", ()),
            ("ai_client.errors.upstream", ()),
        ),
    ),
    Page(
        "testing.md",
        "Testing",
        "Import these names from `ai_client.testing`; [testing.md](../testing.md) shows how.",
        (
            ("ai_client.testing.fake", ("FakeAi",)),
            ("ai_client.testing.cases", ("FakeAiMixin",)),
            ("ai_client.testing.fixtures", ("fake_ai",)),
            ("ai_client.testing.world", ("FakeConnection",)),
            ("ai_client.testing.answers", ("Asked",)),
            (
                "ai_client.testing.transport",
                ("ScriptedTransport", "SentRequest", "HttpAnswer"),
            ),
            ("ai_client.testing.clock", ("SimulatedClock",)),
        ),
    ),
    Page(
        "connectors.md",
        "Connectors",
        "The app `connectors`, which works without AI too. Where it differs from WordPress is in "
        "[wordpress.md](../wordpress.md).",
        (
            ("connectors.registry", ("registry", "ConnectorRegistry")),
            ("connectors.values", ("ConnectorType", "Field", "EnvironmentKey", "UNSET")),
            ("connectors.signals", ()),
            ("connectors.services", ()),
            (
                "connectors.settings_group",
                (
                    "RegisteredSetting",
                    "register_setting",
                    "unregister_setting",
                    "registered_settings",
                    "read",
                    "Held",
                ),
            ),
            ("connectors.approvals", ("policy", "decide", "forget", "Refusal")),
            ("connectors.probing", ()),
            ("connectors.errors", ()),
        ),
    ),
)
