"""The names under which Koneek for WordPress keeps keys, pure.

``koneek_api_key_{provider}`` for a connection without a name, ``koneek_api_key_{provider}_{name}``
for one with a name, ``_2``, ``_3`` and so on where the name is taken. Providers are written with
underscores there, and names hold letters, digits and hyphens only, so that the two can be told
apart (https://wordpress.org/plugins/koneek-multi-provider-ai-gateway/#faq).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "koneek_api_key_"
ALIASES: Final[Mapping[str, str]] = {
    "azure": "azure-ai-foundry",
    "claude": "anthropic",
    "custom": "openai-compatible",
    "custom_openai": "openai-compatible",
    "gemini": "google",
    "nvidia": "nvidia-nim",
}
"""What the plugin calls a provider, where that is not our slug with underscores."""

_NAME = re.compile(r"[a-z0-9-]+")
_NUMBER = re.compile(r"[2-9]|[1-9][0-9]{1,8}")
_OPTION = re.compile(rf"{PREFIX}[a-z0-9_-]{{1,220}}")


@dataclass(frozen=True, slots=True)
class OptionName:
    """A name taken apart. ``name`` is blank for a connection without one; ``number`` is from 1."""

    provider: str
    name: str = ""
    number: int = 1

    @property
    def connection(self) -> str:
        """What the connection is called here: its name, else its provider's slug."""
        stem = self.name or self.provider.replace("_", "-")
        return stem if self.number == 1 else f"{stem}-{self.number}"


def option_name(provider: str, name: str = "", taken: Collection[str] = ()) -> str:
    """The option of a connection, with a number where ``taken`` holds the name already."""
    stem = f"{PREFIX}{provider.replace('-', '_')}" + (f"_{name.lower()}" if name else "")
    found, number = stem, 1
    while found in taken:
        number += 1
        found = f"{stem}_{number}"
    return found


def connection_option(provider: str, name: str, taken: Collection[str] = ()) -> str:
    """The option of a connection that is called ``name`` here.

    A name that was made from the provider (``openai``, ``openai-2``) counts as none.
    """
    slug = re.escape(provider.replace("_", "-"))
    made = re.fullmatch(rf"{slug}(?:-(?:{_NUMBER.pattern}))?", name)
    return option_name(provider, "" if made else name, taken)


def is_option_name(text: str) -> bool:
    """Whether a connection's option may be called so: the prefix and a-z, 0-9, '_' and '-'."""
    return bool(_OPTION.fullmatch(text))


def parse_option_name(option: str, providers: Iterable[str]) -> OptionName | None:
    """The provider's slug, name and number in an option's name; None where no provider fits.

    The longest provider wins: ``custom_openai_lab`` is a connection "lab", not one of "custom".
    """
    if not option.startswith(PREFIX):
        return None
    rest = option.removeprefix(PREFIX)
    written = _written(providers)
    for start in sorted(written, key=len, reverse=True):
        if rest == start:
            return OptionName(written[start])
        if rest.startswith(f"{start}_"):
            found = _name_and_number(rest.removeprefix(f"{start}_"))
            if found is not None:
                return OptionName(written[start], *found)
    return None


def begins_with_provider(option: str, providers: Iterable[str]) -> bool:
    """Whether a registered provider is in the name, whatever comes after it."""
    rest = option.removeprefix(PREFIX)
    return option.startswith(PREFIX) and any(
        rest.startswith(f"{start}_") for start in _written(providers)
    )


def _written(providers: Iterable[str]) -> dict[str, str]:
    """The slugs of providers by what stands for them in names of options."""
    slugs = list(providers)
    aliases = {alias: slug for alias, slug in ALIASES.items() if slug in slugs}
    return aliases | {slug.replace("-", "_"): slug for slug in slugs}


def _name_and_number(text: str) -> tuple[str, int] | None:
    name, _, number = text.rpartition("_")
    if not name:
        return ("", int(text)) if _NUMBER.fullmatch(text) else _name(text, 1)
    return _name(name, int(number)) if _NUMBER.fullmatch(number) else None


def _name(text: str, number: int) -> tuple[str, int] | None:
    return (text, number) if _NAME.fullmatch(text) else None
