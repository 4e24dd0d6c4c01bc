"""Whether prompts may be sent: the switch, and the site's own say about each of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ai_client import conf, loops
from ai_client.errors import AiDisabled

if TYPE_CHECKING:
    from ai_client.prompt_builder import Prompt

logger = logging.getLogger(__name__)

_FAILED = "AI_CLIENT['PREVENT_PROMPT'] failed, so prompts count as prevented."


def require_enabled() -> None:
    """Raise ``AiDisabled`` where AI is switched off."""
    if not conf.ai_enabled():
        raise AiDisabled("AI is switched off on this site.")


def require_allowed(prompt: Prompt) -> None:
    """Raise ``AiDisabled`` where AI is switched off or the site prevents this prompt.

    What ``AI_CLIENT["PREVENT_PROMPT"]`` raises itself goes on to the caller: nothing is sent.
    """
    require_enabled()
    prevent = conf.prevent_prompt()
    if prevent is not None:
        _heed(loops.call(prevent, prompt))


async def arequire_allowed(prompt: Prompt) -> None:
    """As ``require_allowed``, awaiting."""
    require_enabled()
    prevent = conf.prevent_prompt()
    if prevent is not None:
        _heed(await loops.acall(prevent, prompt))


def is_allowed(prompt: Prompt) -> bool:
    """Whether this prompt may be sent. A mistake in what prevents prompts is logged: it may not."""
    try:
        require_allowed(prompt)
    except AiDisabled:
        return False
    except Exception:
        logger.exception(_FAILED)
        return False
    return True


async def ais_allowed(prompt: Prompt) -> bool:
    """As ``is_allowed``, awaiting."""
    try:
        await arequire_allowed(prompt)
    except AiDisabled:
        return False
    except Exception:
        logger.exception(_FAILED)
        return False
    return True


def _heed(verdict: object) -> None:
    if verdict:
        reason = verdict if isinstance(verdict, str) else "This prompt was prevented."
        raise AiDisabled(reason)
