"""How much OpenAI's models can be told to think, by their ids, and what thinking forbids.

One wire format serves models that contradict each other: ``none`` is the only way to switch
thinking off on one and refused by another, and a model that does not think refuses any effort. An
id that is not OpenAI's, or newer than this table, gets what was asked for.

https://developers.openai.com/api/docs/guides/reasoning and the models' own pages.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ai_client.messages import ModelConfig, Reasoning

_OFF: Final = ("none", "off", "disabled")
_WORDS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

# No vendor publishes how many tokens an effort stands for; these bounds are our own.
_LOW_BUDGET: Final = 4_096
_MEDIUM_BUDGET: Final = 16_384

_PREFIX: Final = r"(?:.*/)?(?:ft:)?"
_USUAL: Final = ("low", "medium", "high")
_EFFORTS: Final = tuple(
    (re.compile(_PREFIX + pattern), efforts)
    for pattern, efforts in (
        (r"(?:gpt-[34](?!\d)|chatgpt-|gpt-audio|gpt-\d(?:\.\d+)?-chat)", ()),
        (r"o1-(?:mini|preview)", ()),
        (r"gpt-5-pro", ("high",)),
        (r"gpt-5\.[2-4]-pro", ("medium", "high", "xhigh")),
        (r"o\d", _USUAL),
        (r"(?:codex-mini|gpt-5(?:\.1)?-codex(?!-max))", _USUAL),
        (r"gpt-5\.\d-codex", (*_USUAL, "xhigh")),
        (r"gpt-5(?:$|-mini|-nano|-20)", ("minimal", *_USUAL)),
        (r"gpt-5\.1(?!\d)", ("none", *_USUAL)),
        (r"gpt-5\.[2-4](?!\d)", ("none", *_USUAL, "xhigh")),
    )
)
_TUNED_UNTHINKING: Final = re.compile(_PREFIX + r"gpt-5\.[1-4](?!\d)")


def effort_for(reasoning: Reasoning | None, model: str, warnings: list[str]) -> str | None:
    """The effort to ask ``model`` for; None where none is to be said.

    A model that does not think is told nothing, with a warning where it was to think. Of efforts
    that it does not know the next lower one that it does is asked for, else its least.
    """
    if reasoning is None:
        return None
    wanted = _wanted(reasoning)
    efforts = _efforts(model.lower())
    if efforts == ():
        if wanted != "none":
            warnings.append("reasoning was left out: this model does not reason")
        return None
    if wanted is None:
        return None
    effort = wanted
    if efforts is not None and wanted in _WORDS:
        rank = _WORDS.index(wanted)
        lower = [each for each in efforts if _WORDS.index(each) <= rank]
        effort = lower[-1] if lower else efforts[0]
    if reasoning.effort is None and wanted != "none":
        warnings.append(
            f"a reasoning budget of {reasoning.budget_tokens} tokens was sent as the effort"
            f" {effort!r}"
        )
    elif effort != wanted:
        warnings.append(f"the reasoning effort {wanted!r} was sent as {effort!r}")
    return effort


def may_reason(model: str) -> bool:
    """Whether ``model`` thinks, as far as is known: not for those that are known not to."""
    return _efforts(model.lower()) != ()


def without_sampling(
    config: ModelConfig, effort: str | None, model: str, warnings: list[str]
) -> tuple[float | None, float | None]:
    """``temperature`` and ``top_p``, or neither where ``model`` takes them only without thinking.

    https://developers.openai.com/api/docs/guides/latest-model: GPT-5.1 to 5.4 refuse them with any
    effort but ``none``, which is their default.
    """
    said = config.temperature, config.top_p
    if effort in (None, "none") or said == (None, None):
        return said
    if _TUNED_UNTHINKING.match(model.lower()) is None:
        return said
    warnings += [
        f"{name} was left out: this model takes it only without reasoning"
        for name, value in zip(("temperature", "top_p"), said, strict=True)
        if value is not None
    ]
    return None, None


def _wanted(reasoning: Reasoning | None) -> str | None:
    if reasoning is None:
        return None
    budget = reasoning.budget_tokens
    if reasoning.effort is not None:
        return "none" if reasoning.effort in _OFF else reasoning.effort
    if budget is None:
        return None
    if budget <= 0:
        return "none"
    return "low" if budget <= _LOW_BUDGET else "medium" if budget <= _MEDIUM_BUDGET else "high"


@lru_cache(maxsize=1024)
def _efforts(model: str) -> tuple[str, ...] | None:
    """The efforts that a model takes, the least first; None where that is not known."""
    return next((efforts for pattern, efforts in _EFFORTS if pattern.match(model)), None)
