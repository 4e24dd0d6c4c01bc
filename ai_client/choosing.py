"""Whom a prompt is asked of: its requirements and its caller against a registry's offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ai_client import conf
from ai_client.approvals import Approvals, caller_label
from ai_client.capabilities import Capability, Modality, ModelMetadata
from ai_client.errors import CapabilityUnsupported, NoModelFound
from ai_client.messages import GenerationRequest, Message, user_message
from ai_client.model_catalog import metadata, purposes
from ai_client.prompt_builder import Prompt, capability_of, config_of_kind
from ai_client.providers import Provider
from ai_client.requirements import are_met_by, infer
from ai_client.router import Route
from ai_client.selection import PATIENCE, Chain, Offer, Wish, routes, routes_at_hand
from ai_client.values import value

if TYPE_CHECKING:
    from ai_client.ask import Limits
    from ai_client.registry import ProviderRegistry

_MODELS_ARE_FOR = (
    Capability.TEXT_GENERATION,
    Capability.IMAGE_GENERATION,
    Capability.TEXT_TO_SPEECH_CONVERSION,
    Capability.SPEECH_GENERATION,
    Capability.VIDEO_GENERATION,
    Capability.EMBEDDING_GENERATION,
)


@value(frozen=True, slots=True)
class Choice:
    """Who is asked, and what for.

    ``refused`` are the routes that the caller is kept from. ``waited`` is the part of the prompt's
    time, in seconds, that upstreams' lists of models have taken.
    """

    capability: Capability
    chain: Chain | None
    refused: tuple[Route, ...] = ()
    waited: float = 0.0

    @property
    def routes(self) -> tuple[Route, ...]:
        """Those that the caller may use; none where it is kept from all."""
        return () if self.chain is None else self.chain.routes

    def request_of(self, prompt: Prompt, *, stream: bool = False) -> GenerationRequest:
        """What is asked of them."""
        messages = prompt.messages
        if self.capability is Capability.EMBEDDING_GENERATION:
            # Each message of a request for embeddings is one input.
            parts = ((each.role, part) for each in messages for part in each.parts)
            messages = tuple(Message(role, (part,)) for role, part in parts)
        return GenerationRequest(messages, prompt.config, stream, self.capability)

    def meets(self, prompt: Prompt) -> bool:
        """Whether the first of them meets the prompt's requirements; tuning may be left out."""
        if not self.routes:
            return False
        first = self.routes[0]
        if first.without:
            return True
        requirements = infer(self.capability, prompt.messages, prompt.config)
        return are_met_by(requirements, model_of(first))


@value(frozen=True, slots=True)
class Chooser:
    """Chooses among a registry's offers, for each caller among those that it may use.

    ``clock`` gives monotonic seconds.
    """

    registry: ProviderRegistry
    approvals: Approvals
    clock: Callable[[], float]

    def choose(self, prompt: Prompt) -> Choice:
        """The choice for a prompt; may wait for upstreams' lists, within the prompt's time.

        Raises NoModelFound, and CapabilityUnsupported where the explicit model is known to be for
        something else.
        """
        at_hand = self.choose_at_hand(prompt)
        if at_hand is not None:
            return at_hand
        offers = self._permitted(prompt)
        wait = _Wait(self.clock, prompt)
        others = _everybody(self.registry)
        try:
            capability = _capability(prompt, offers, wait)
            wish = _wish(prompt, capability)
            chain = routes(offers, wish, capability, others=others, patience=wait.left)
        except (NoModelFound, CapabilityUnsupported):
            capability = prompt.capability or capability_of(prompt.config)
            refused = self._refused(prompt, capability, offers)
            if not refused:
                raise
            return Choice(capability, None, refused)
        refused = self._refused(prompt, capability, offers)
        return _checked(prompt, Choice(capability, chain, refused, wait.spent))

    def choose_at_hand(self, prompt: Prompt) -> Choice | None:
        """As ``choose`` where nobody has to be waited for and there is a route, else None."""
        capability = prompt.capability
        if capability is None:
            return None
        wish = _wish(prompt, capability)
        if wish is _PLAIN_WISH and not self.approvals.restrict:
            return _plain_choice(self.registry.offers())
        offers = self._permitted(prompt)
        try:
            chain = routes_at_hand(offers, wish, capability)
        except CapabilityUnsupported:
            return None
        if chain is None:
            return None
        refused = self._refused(prompt, capability, offers)
        return _checked(prompt, Choice(capability, chain, refused))

    def _permitted(self, prompt: Prompt) -> tuple[Offer, ...]:
        """The offers that the prompt's caller may use."""
        offers = self.registry.offers()
        if not self.approvals.restrict:
            return offers
        label, permit = caller_label(prompt.caller), self.approvals.permit
        return tuple(each for each in offers if permit(label, each.connection.provider.slug))

    def _refused(
        self, prompt: Prompt, capability: Capability, permitted: tuple[Offer, ...]
    ) -> tuple[Route, ...]:
        """The routes that the prompt would have besides, were its caller not kept from them.

        No upstream is asked on behalf of a caller that may not use it: where that would be needed,
        and the caller may use nobody else, each connection that is meant counts.
        """
        offers = self.registry.offers()
        if len(permitted) == len(offers):
            return ()
        may = {id(each.connection) for each in permitted}
        try:
            chain = routes_at_hand(offers, _wish(prompt, capability), capability)
        except CapabilityUnsupported:
            chain = None
        if chain is not None:
            found = tuple(each for each in chain.routes if id(each.connection) not in may)
            if found:
                return found
        if any(each.is_of(prompt.provider) for each in permitted):
            return ()
        meant = (each.connection for each in offers if each.is_of(prompt.provider))
        return tuple(Route(each, each.model) for each in meant)


@dataclass(slots=True)
class _Wait:
    """The time that a prompt has for upstreams' lists of models."""

    clock: Callable[[], float]
    prompt: Prompt
    began: float = field(init=False)
    was_needed: bool = field(default=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def left(self) -> float:
        """Seconds for the next list."""
        self.was_needed = True
        deadline = (limits_of(self.prompt) or conf.limits()).deadline
        return min(deadline - (self.clock() - self.began), PATIENCE)

    @property
    def spent(self) -> float:
        """Seconds that lists have taken."""
        return self.clock() - self.began if self.was_needed else 0.0


def _everybody(registry: ProviderRegistry) -> Iterator[Provider]:
    """The registry's providers; found out by whoever iterates."""
    for provider_id in registry.ids():
        yield registry.provider(provider_id)


def limits_of(prompt: Prompt, waited: float = 0.0) -> Limits | None:
    """The prompt's own limits, less what it has ``waited``; None: the site's."""
    options = prompt.request_options
    if options is None and not waited:
        return None
    limits = conf.limits()
    if options is not None:
        limits = replace(
            limits,
            deadline=options.timeout or limits.deadline,
            connect=options.connect_timeout or limits.connect,
        )
    return replace(limits, deadline=max(limits.deadline - waited, 0.0)) if waited else limits


def model_of(route: Route) -> ModelMetadata:
    """What the route's model can do."""
    return metadata(route.connection.provider, route.model)


_PLAIN_TEXT = infer(Capability.TEXT_GENERATION, (user_message("?"),), config_of_kind(Modality.TEXT))

_PLAIN_WISH = Wish(_PLAIN_TEXT)

_last_plain: tuple[tuple[Offer, ...], Choice] | None = None


def _plain_choice(offers: tuple[Offer, ...]) -> Choice | None:
    """The choice at hand for a text that wants a text and says nothing else, as most prompts do."""
    global _last_plain
    last = _last_plain
    if last is not None and last[0] is offers:
        return last[1]
    chain = routes_at_hand(offers, _PLAIN_WISH, Capability.TEXT_GENERATION)
    if chain is None:
        return None
    choice = Choice(Capability.TEXT_GENERATION, chain)
    if chain.is_settled:
        _last_plain = offers, choice
    return choice


def _wish(prompt: Prompt, capability: Capability) -> Wish:
    is_plain = capability is Capability.TEXT_GENERATION and prompt.is_plain_text
    if is_plain and prompt.fallback and not (prompt.provider or prompt.model or prompt.preferences):
        return _PLAIN_WISH
    return Wish(
        _PLAIN_TEXT if is_plain else infer(capability, prompt.messages, prompt.config),
        prompt.provider,
        prompt.model,
        prompt.preferences,
        prompt.fallback,
    )


def _capability(prompt: Prompt, offers: tuple[Offer, ...], wait: _Wait) -> Capability:
    """What is asked for; where nobody said, what the explicit model is for."""
    if prompt.capability is not None:
        return prompt.capability
    wish = Wish(provider=prompt.provider, model=prompt.model, fallback=False)
    meant = routes(offers, wish, Capability.TEXT_GENERATION, patience=wait.left).routes
    able = model_of(meant[0]).capabilities
    return next((each for each in _MODELS_ARE_FOR if each in able), capability_of(prompt.config))


def _checked(prompt: Prompt, choice: Choice) -> Choice:
    """The choice, unless the explicit model is known to be for something else."""
    if prompt.model is not None:
        first = choice.routes[0]
        able = purposes(first.connection, first.model)
        if able and choice.capability not in able:
            raise CapabilityUnsupported(
                f"The model {first.model!r} of {first.connection.provider.name} is for "
                f"{', '.join(able)}, not for {choice.capability.value}.",
                param="model",
            )
    return choice
