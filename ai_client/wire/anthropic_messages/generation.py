"""What each generation of Claude takes for thinking and for sampling.

One wire format serves models that contradict each other: a budget for thinking is the only way on
one and refused by another, ``temperature`` likewise. The model's id tells them apart. An id that
is not Claude's (a deployment's name, another vendor's model behind this dialect) gets what was
asked for, in the words that fit it best.

Sources: https://platform.claude.com/docs/en/build-with-claude/thinking,
https://platform.claude.com/docs/en/build-with-claude/effort and the migration guides there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ai_client.messages import JsonValue, ModelConfig, Reasoning

CLAUDE_MAX_TOKENS = 16_384
"""Tokens of an answer where neither caller nor connection says how many; every Claude model that
is served allows more, and thinking counts towards it."""

OTHER_MAX_TOKENS = 4_096
"""The same for a model that is not known to be Claude and may allow less."""

MIN_BUDGET = 1_024
"""The smallest budget for thinking that the API takes, in tokens."""

_EFFORTS = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
# With CLAUDE_MAX_TOKENS on top, the largest stays below the 32,000 tokens that the models which
# need a budget allow at least.
_BUDGETS = {"low": 2_048, "medium": 8_192, "high": 12_288, "xhigh": 15_360, "max": 15_360}
_OFF = ("none", "off", "disabled")

_VERSION = r"(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)"
_NEW_NAME = re.compile(rf"claude-([a-z]+)-{_VERSION}")
_OLD_NAME = re.compile(rf"claude-{_VERSION}")


@dataclass(frozen=True, slots=True)
class Generation:
    """A Claude model's family and version, read from its id."""

    family: str
    version: tuple[int, int]

    @property
    def thinks(self) -> bool:
        """Takes ``thinking`` at all."""
        return self.version >= (3, 7)

    @property
    def is_adaptive(self) -> bool:
        """Takes ``thinking: adaptive`` with an effort."""
        return self.version >= (4, 6)

    @property
    def takes_budget(self) -> bool:
        """Takes a budget in tokens for thinking."""
        return self.version < (4, 7)

    @property
    def always_thinks(self) -> bool:
        """Refuses ``thinking: disabled``."""
        return self.family in ("fable", "mythos") or (
            self.family == "opus" and self.version >= (5, 5)
        )

    @property
    def takes_sampling(self) -> bool:
        """Takes ``temperature``, ``top_p`` and ``top_k`` other than their defaults."""
        return self.version < (4, 7)

    @property
    def takes_prefill(self) -> bool:
        """Continues an answer that the request has already begun."""
        return self.version < (4, 6)

    @property
    def forces_while_thinking(self) -> bool:
        """Thinks even where ``tool_choice`` forces a call."""
        return self.version >= (4, 8)

    def effort(self, wanted: str) -> str:
        """The nearest effort that is not above ``wanted``."""
        return "high" if wanted == "xhigh" and self.version < (4, 7) else wanted


def generation_of(model: str) -> Generation | None:
    """The generation that a model id names, vendor prefixes and dates aside; None if not Claude's.

    Knows ``claude-opus-4-6``, ``claude-3-5-haiku-20241022``, ``anthropic/claude-sonnet-4.5``,
    ``us.anthropic.claude-opus-4-5-20251101-v1:0`` and the like.
    """
    name = model.lower()
    if found := _NEW_NAME.search(name):
        return Generation(found[1], (int(found[2]), int(found[3] or 0)))
    if found := _OLD_NAME.search(name):
        return Generation("", (int(found[1]), int(found[2] or 0)))
    if "claude-mythos" in name:
        return Generation("mythos", (5, 0))
    return None


@dataclass(slots=True)
class Tuning:
    """Fields of the body that depend on the generation, and what had to be left out of them."""

    max_tokens: int
    fields: dict[str, JsonValue] = field(default_factory=dict)
    effort: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def is_thinking(self) -> bool:
        """Whether the request itself switches thinking on."""
        kind: str = self.fields.get("thinking", {}).get("type", "")
        return kind in ("enabled", "adaptive")


def tune(
    config: ModelConfig,
    generation: Generation | None,
    *,
    default_max_tokens: int | None,
    forces_call: bool,
    resumes_unthought_call: bool,
) -> Tuning:
    """``max_tokens``, thinking and sampling for one request.

    ``forces_call`` is whether ``tool_choice`` forces a call, ``resumes_unthought_call`` whether
    the conversation waits for the answer to tool results whose call came without its thinking:
    both forbid thinking with a budget, and the answer matters more than the thinking.
    """
    default = default_max_tokens or (OTHER_MAX_TOKENS if generation is None else CLAUDE_MAX_TOKENS)
    tuning = Tuning(default if config.max_tokens is None else config.max_tokens)
    if config.reasoning is not None:
        adapts = generation is not None and generation.is_adaptive
        if generation is not None and config.reasoning.budget_tokens and generation.takes_budget:
            adapts = False
        blocked = resumes_unthought_call and not adapts
        if forces_call and not (generation is not None and generation.forces_while_thinking):
            blocked = True
        _think(tuning, config, config.reasoning, generation, blocked=blocked)
    _sample(tuning, config, generation)
    return tuning


def _think(
    tuning: Tuning,
    config: ModelConfig,
    reasoning: Reasoning,
    generation: Generation | None,
    *,
    blocked: bool,
) -> None:
    budget = reasoning.budget_tokens
    word = (reasoning.effort or "").lower()
    is_off = budget == 0 or (budget is None and word in _OFF)
    if generation is not None and not generation.thinks:
        if not is_off:
            tuning.warnings.append("reasoning: this model does not reason")
        return
    if is_off:
        if generation is None or not generation.always_thinks:
            tuning.fields["thinking"] = {"type": "disabled"}
        else:
            tuning.effort = "low"
            tuning.warnings.append("reasoning: this model always thinks, asked for little instead")
        return
    effort = _EFFORTS.get(word)
    if budget is None and effort is None:
        tuning.warnings.append("reasoning: unknown effort")
        return
    if blocked:
        tuning.warnings.append("reasoning: not possible together with these tools")
        return
    if budget is not None and (generation is None or generation.takes_budget):
        _think_within(tuning, config, budget, share=1.0)
    elif generation is None or generation.is_adaptive:
        _think_adaptively(tuning, generation, effort)
        if budget is not None:
            tuning.warnings.append("reasoning: this model takes no budget, it decides itself")
    elif effort is not None:
        _think_within(tuning, config, _BUDGETS[effort], share=0.5)


def _think_adaptively(tuning: Tuning, generation: Generation | None, effort: str | None) -> None:
    thinking = {"type": "adaptive"}
    if generation is not None:
        tuning.effort = generation.effort(effort) if effort else None
        if not generation.takes_budget:
            # These models leave their thinking out unless told; the stream is silent meanwhile.
            thinking["display"] = "summarized"
    else:
        tuning.effort = effort
    tuning.fields["thinking"] = thinking


def _think_within(tuning: Tuning, config: ModelConfig, budget: int, *, share: float) -> None:
    """Thinking with a budget, which counts towards ``max_tokens`` and must stay below it.

    Without a limit by the caller the budget comes on top; else it is cut to ``share`` of it.
    """
    wanted = max(budget, MIN_BUDGET)
    if config.max_tokens is None:
        tuning.max_tokens += wanted
    else:
        wanted = min(wanted, int(config.max_tokens * share), config.max_tokens - 1)
    if wanted < MIN_BUDGET:
        tuning.warnings.append("reasoning: max_tokens leaves no room for it")
        return
    tuning.fields["thinking"] = {"type": "enabled", "budget_tokens": wanted}


def _sample(tuning: Tuning, config: ModelConfig, generation: Generation | None) -> None:
    temperature, top_p, top_k = config.temperature, config.top_p, config.top_k
    if temperature is not None and temperature > 1:
        temperature = 1.0
        tuning.warnings.append("temperature: limited to 1")
    if generation is not None and not generation.takes_sampling:
        # Their default of 1 may be said, but says nothing.
        _leave_out(tuning, temperature=None if temperature == 1 else temperature)
        _leave_out(tuning, top_p=top_p, top_k=top_k)
        return
    if tuning.is_thinking:
        # Thinking allows no temperature, no top_k, and top_p only from 0.95 up.
        _leave_out(tuning, temperature=None if temperature == 1 else temperature, top_k=top_k)
        temperature = top_k = None
        if top_p is not None and top_p < 0.95:
            _leave_out(tuning, top_p=top_p)
            top_p = None
    if generation is not None and temperature is not None and top_p is not None:
        # From Claude 4 on a request may say one of the two.
        _leave_out(tuning, top_p=top_p)
        top_p = None
    said = {"temperature": temperature, "top_p": top_p, "top_k": top_k}
    tuning.fields.update({name: value for name, value in said.items() if value is not None})


def _leave_out(tuning: Tuning, **values: float | None) -> None:
    tuning.warnings += [name for name, value in values.items() if value is not None]
