"""What a Gemini model's id says: its address, its generation, and how its thinking is set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ai_client.google_envelope import resource_name
from ai_client.messages import JsonValue, Reasoning

_GENERATION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?!\d)")

# https://ai.google.dev/gemini-api/docs/openai#thinking: what Google itself makes of the words.
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_LEVELS: Final = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_SAME_AS_HIGH: Final = ("xhigh", "max")

# https://ai.google.dev/gemini-api/docs/thinking#set-budget: the ranges of the 2.5 models. Pro
# cannot be switched off, Flash-Lite thinks with at least 512 tokens if at all.
_PRO_RANGE: Final = (128, 32768)
_FLASH_RANGE: Final = (1, 24576)
_FLASH_LITE_RANGE: Final = (512, 24576)


@dataclass(frozen=True, slots=True)
class Model:
    """A model's id, with or without its collection (``models/``) in front."""

    id: str
    provider: str = "Google"

    def path(self, *, stream: bool) -> str:
        """The path below the version."""
        method = "streamGenerateContent" if stream else "generateContent"
        return f"{resource_name(self.id, self.provider)}:{method}"

    @property
    def generation(self) -> tuple[int, int]:
        """Major and minor version; (3, 0) for an id that does not tell, such as an alias."""
        found = _GENERATION.search(self.id)
        if found is not None:
            return int(found[1]), int(found[2] or 0)
        return (0, 0) if "gemma" in self.id else (3, 0)

    @property
    def signs_calls(self) -> bool:
        """Whether function calls in the history need a thought signature: since Gemini 3."""
        return self.generation >= (3, 0)

    @property
    def combines_tools(self) -> bool:
        """Whether functions, web search and JSON output go together: since Gemini 3."""
        return self.generation >= (3, 0)

    @property
    def draws(self) -> bool:
        """Whether its answers hold pictures unless told otherwise."""
        return "-image" in self.id or "nano-banana" in self.id

    @property
    def speaks(self) -> bool:
        """Whether it does nothing but read texts out."""
        return "-tts" in self.id

    @property
    def sees_function_results(self) -> bool:
        """Whether the result of a function may hold files: since Gemini 3."""
        return self.generation >= (3, 0)

    @property
    def fetches_urls(self) -> bool:
        """Whether files may be given by public URL: not in the 2.0 family and before."""
        return self.generation >= (2, 5)

    @property
    def _is_pro(self) -> bool:
        return "-pro" in self.id

    def thinking_config(self, reasoning: Reasoning) -> dict[str, JsonValue] | None:
        """``thinkingConfig`` for a wish, or None where this model has no such control.

        Since Gemini 3 a level, before that a budget in tokens; never both, which is an error.
        """
        if self.speaks or (self.draws and self.generation < (3, 0)):
            return None
        if self.generation >= (3, 0):
            return self._with_level(reasoning)
        if self.generation >= (2, 5):
            return self._with_budget(reasoning)
        return None

    def _with_level(self, reasoning: Reasoning) -> dict[str, JsonValue] | None:
        word = _effort(reasoning)
        if word == "none":
            # These models cannot be switched off; MINIMAL is the least, and Pro has no MINIMAL.
            return {"thinkingLevel": "LOW" if self._is_pro else "MINIMAL"}
        level = _LEVELS.get(word)
        if level is None:
            return None
        if self._is_pro and level == "MINIMAL":
            level = "LOW"
        if self._is_pro and level == "MEDIUM" and self.generation == (3, 0):
            level = "HIGH"
        return {"thinkingLevel": level, "includeThoughts": True}

    def _with_budget(self, reasoning: Reasoning) -> dict[str, JsonValue] | None:
        budget = reasoning.budget_tokens
        if budget is None:
            word = _effort(reasoning)
            budget = 0 if word == "none" else _BUDGETS.get(word)
            if budget is None:
                return None
        if self._is_pro:
            least, most = _PRO_RANGE
        elif "flash-lite" in self.id:
            least, most = _FLASH_LITE_RANGE
        else:
            least, most = _FLASH_RANGE
        if budget <= 0:
            return {"thinkingBudget": least if self._is_pro else 0}
        return {"thinkingBudget": min(max(budget, least), most), "includeThoughts": True}


def is_off(reasoning: Reasoning) -> bool:
    """Whether the wish is that nothing be thought, which a model that does not think fulfils."""
    return _effort(reasoning) == "none"


def _effort(reasoning: Reasoning) -> str:
    """The effort as one of the words ``none``, ``minimal``, ``low``, ``medium``, ``high``."""
    budget = reasoning.budget_tokens
    if budget is not None:
        if budget <= 0:
            return "none"
        return "low" if budget < 4096 else "medium" if budget < 16384 else "high"
    word = (reasoning.effort or "").lower()
    return "high" if word in _SAME_AS_HIGH else word
