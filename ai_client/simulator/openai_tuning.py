"""Which settings OpenAI refuses of which of its models, by their names.

https://developers.openai.com/api/docs/guides/reasoning. Models of other names, such as
``gpt-simulated``, take whatever the reference allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

Refuse = Callable[[str, str | None, str | None], NoReturn]

_PREFIX = r"(?:.*/)?"
_O_SERIES = re.compile(_PREFIX + r"o\d")
_GPT_5 = re.compile(_PREFIX + r"gpt-5(?:$|-mini|-nano|-20|-pro)")
_SOMETIMES = re.compile(_PREFIX + r"gpt-5\.[1-4](?!\d)(?!-chat)")
_NEVER = re.compile(_PREFIX + r"(?:gpt-[34](?!\d)|chatgpt-|gpt-\d(?:\.\d+)?-chat)")

_DEFAULTS: Mapping[str, float] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}
_EFFORTS = (
    (re.compile(_PREFIX + r"gpt-5-pro"), ("high",)),
    (_O_SERIES, ("low", "medium", "high")),
    (_GPT_5, ("minimal", "low", "medium", "high")),
    (re.compile(_PREFIX + r"gpt-5\.1(?!\d)"), ("none", "low", "medium", "high")),
)


def check_tuning(
    body: Mapping[str, object], model: str, effort: object, named: str, refuse: Refuse
) -> None:
    """Refuses what ``model`` does not take; ``named`` is where the request says the effort."""
    if effort is not None and _NEVER.match(model):
        if named == "reasoning_effort":
            refuse(f"Unrecognized request argument supplied: {named}", None, None)
        refuse(
            f"Unsupported parameter: '{named}' is not supported with this model.",
            named,
            "unsupported_parameter",
        )
    for pattern, efforts in _EFFORTS:
        if pattern.match(model):
            if effort is not None and effort not in efforts:
                known = ", ".join(repr(each) for each in efforts)
                refuse(
                    f"Unsupported value: '{named}' does not support {effort!r} with this model."
                    f" Supported values are: {known}.",
                    named,
                    "unsupported_value",
                )
            break
    if _O_SERIES.match(model) or _GPT_5.match(model):
        unsupported = (*_DEFAULTS, "logprobs", "top_logprobs", "stop")
    elif _SOMETIMES.match(model) and effort not in (None, "none"):
        unsupported = ("temperature", "top_p", "logprobs", "top_logprobs")
    else:
        return
    for name in unsupported:
        value = body.get(name)
        if value is None or value is False or value == _DEFAULTS.get(name):
            continue
        if name in _DEFAULTS and not _O_SERIES.match(model):
            refuse(
                f"Unsupported value: '{name}' does not support {value} with this model."
                f" Only the default ({_DEFAULTS[name]}) value is supported.",
                name,
                "unsupported_value",
            )
        refuse(
            f"Unsupported parameter: '{name}' is not supported with this model.",
            name,
            "unsupported_parameter",
        )
