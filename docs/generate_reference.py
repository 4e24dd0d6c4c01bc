"""Writes docs/reference: the public names of both apps with their signatures and docstrings.

``make docs`` runs it. The sources are read, not imported, so nothing has to be set up.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import griffe

from docs.reference_pages import PAGES, Page

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent / "reference"
WIDTH = 100

_LITERAL = re.compile(r"(\n| ?\S*?)::\n\n((?: {4}.*\n|\n)+)")
_FACTS = ("code", "status")
_MAKE_DATACLASSES = ("ai_client.values.value", "ai_client.values.guarded")


class _OurDataclasses(griffe.Extension):
    """Says that the decorators of ``ai_client.values`` make dataclasses."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        for decorator in cls.decorators:
            said = decorator.value
            if isinstance(said, griffe.ExprCall) and said.canonical_path in _MAKE_DATACLASSES:
                said.function = griffe.ExprName("dataclasses.dataclass")


def documents() -> dict[str, str]:
    """All pages, and the index, by file name."""
    extensions = griffe.load_extensions(_OurDataclasses())
    loader = griffe.GriffeLoader(search_paths=[ROOT], extensions=extensions)
    for app in ("ai_client", "connectors"):
        loader.load(app, try_relative_path=False)
    loader.resolve_aliases(implicit=True)
    index = "# Reference\n\nMade of the sources by `make docs`; change the docstrings instead.\n\n"
    index += "".join(f"* [{page.title}]({page.file}): {page.about}\n" for page in PAGES)
    pages = {page.file: _page(page, loader.modules_collection) for page in PAGES}
    return {"README.md": index, **pages}


def _page(page: Page, modules: griffe.ModulesCollection) -> str:
    text = f"# {page.title}\n\n{page.about}\n"
    for name, names in page.sections:
        module = modules[name]
        text += f"\n## `{name}`\n"
        if module.docstring:
            text += f"\n{_prose(module.docstring.value)}\n"
        found = [_real(module.members[each]) for each in names or _public(module)]
        errors = [each for each in found if isinstance(each, griffe.Class) and _is_error(each)]
        text += "".join(f"\n{_entry(each)}" for each in found if each not in errors)
        if errors:
            text += f"\n{_errors(errors)}"
    return text


def _public(module: griffe.Module | griffe.Alias) -> list[str]:
    if module.exports is not None:
        return [str(each) for each in module.exports]
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_") and not member.is_alias and not member.is_module
    ]


def _real(member: griffe.Object | griffe.Alias) -> griffe.Object:
    found = member.final_target if isinstance(member, griffe.Alias) else member
    assert isinstance(found, griffe.Object)
    return found


def _is_error(member: griffe.Class) -> bool:
    return any(str(base) == "Exception" for each in _family(member) for base in each.bases)


def _family(member: griffe.Class) -> list[griffe.Class]:
    """The class with all that it inherits from, itself first."""
    return [member, *member.mro()]


def _entry(member: griffe.Object) -> str:
    match member:
        case griffe.Function():
            body = _fenced(_signature(member, "def ")) + _words(member)
        case griffe.Class():
            body = _class(member)
        case griffe.Attribute():
            body = _attribute(member) + _words(member)
        case _:
            raise ValueError(f"{member.path} is nothing that a reference has.")
    return f"### `{member.name}`\n\n{body.rstrip()}\n"


def _attribute(member: griffe.Attribute) -> str:
    """The definition, unless there is nothing in it that helps, or too much."""
    name = member.name if member.annotation is None else f"{member.name}: {member.annotation}"
    value = "" if member.value is None else str(member.value)
    if len(f"{name} = {value}") <= WIDTH:
        return _fenced(f"{name} = {value}" if value else name)
    return _fenced(f"{name} = (\n    {value}\n)") if len(value) < WIDTH - 4 else ""


def _class(member: griffe.Class) -> str:
    bases = [str(base) for base in member.bases]
    if any(base.endswith("Enum") for base in bases):
        return _words(member) + _fenced("\n".join(_words_of_enum(member)))
    head = ""
    if "Protocol" in bases or "TypedDict" in bases:
        head = _fenced(f"class {member.name}({', '.join(bases)}): ...")
    elif parameters := _parameters(member):
        head = _fenced(_call(member.name, parameters, ""))
    described, plain = [], []
    for each in _members(member):
        if each.docstring is not None:
            words = textwrap.indent(_words(each), "  ").rstrip()
            described.append(f"* {_item(each)}\n\n{words}\n")
        elif isinstance(each, griffe.Function) or "property" in each.labels:
            plain.append(f"`{each.name}`")
    besides = f"Besides: {', '.join(plain)}.\n" if plain else ""
    if described and besides:
        besides = f"\n{besides}"
    return head + _words(member) + "\n".join(described) + besides


def _words_of_enum(member: griffe.Class) -> list[str]:
    return [
        f"{name} = {each.value}"
        for name, each in member.members.items()
        if isinstance(each, griffe.Attribute) and not name.startswith("_") and each.value
    ]


def _members(member: griffe.Class) -> list[griffe.Function | griffe.Attribute]:
    """Public methods, properties and fields, those of our own base classes first."""
    found = {
        name: each
        for owner in reversed(_family(member))
        for name, each in owner.members.items()
        if not name.startswith("_") and isinstance(each, griffe.Function | griffe.Attribute)
    }
    return list(found.values())


def _item(member: griffe.Function | griffe.Attribute) -> str:
    if isinstance(member, griffe.Function):
        return f"`{_one_line(_signature(member, ''))}`"
    annotation = _double_quoted(str(member.annotation))
    if "property" in member.labels:
        return f"`{member.name}`, a property: `{annotation}`"
    return f"`{member.name}: {annotation}`"


def _errors(errors: Sequence[griffe.Class]) -> str:
    facts = [name for name in _FACTS if _fact(errors[0], name)]
    text = f"| Error | is a | {''.join(f'{name} | ' for name in facts)}when |\n"
    text += "|---" * (3 + len(facts)) + "|\n"
    rest = ""
    for each in errors:
        bases = ", ".join(f"`{base}`" for base in each.bases)
        known = "".join(f"{_fact(each, name)} | " for name in facts)
        first, *more = _words(each).strip().split("\n\n")
        text += f"| `{each.name}` | {bases} | {known}{' '.join(first.split())} |\n"
        if more:
            rest += f"\n`{each.name}`: " + "\n\n".join(more) + "\n"
    return text + rest


def _fact(error: griffe.Class, name: str) -> str:
    for each in _family(error):
        found = each.members.get(name)
        if isinstance(found, griffe.Attribute) and found.value is not None:
            return str(found.value).strip("\"'")
    return ""


def _signature(function: griffe.Function, keyword: str) -> str:
    """As it is written after ``def``, or without one as it is called."""
    waits = "async" in function.labels
    before = ("async " if waits else "") + keyword if keyword else "await " if waits else ""
    returns = "" if function.returns is None else f" -> {function.returns}"
    end = f"{returns}: ..." if keyword else returns
    return _call(f"{before}{function.name}", _parameters(function), end)


def _parameters(owner: griffe.Class | griffe.Function) -> list[str]:
    """The parameters as they are written, the one for the object itself left out."""
    shown: list[str] = []
    kinds = griffe.ParameterKind
    starred = False
    for parameter in owner.parameters:
        if parameter.name in ("self", "cls"):
            continue
        name = parameter.name
        if parameter.kind is kinds.var_positional:
            name, starred = f"*{name}", True
        elif parameter.kind is kinds.var_keyword:
            name = f"**{name}"
        elif parameter.kind is kinds.keyword_only and not starred:
            shown.append("*")
            starred = True
        text = name if parameter.annotation is None else f"{name}: {parameter.annotation}"
        variable = parameter.kind in (kinds.var_positional, kinds.var_keyword)
        if parameter.default is not None and not variable:
            text += f" = {_default(_known(str(parameter.default), owner))}"
        shown.append(text)
    return shown


def _known(name: str, owner: griffe.Object) -> str:
    """What a name that nobody outside has, or that is a number, stands for; else the name."""
    family = _family(owner) if isinstance(owner, griffe.Class) else [owner]
    held = next((each.module.members[name] for each in family if name in each.module.members), None)
    found = None if held is None else _real(held)
    if not isinstance(found, griffe.Attribute) or found.value is None:
        return name
    is_number = re.fullmatch(r"[0-9.]+", str(found.value))
    return str(found.value) if name.startswith("_") or is_number else name


def _default(text: str) -> str:
    """A dataclass's factory as the empty thing that it makes."""
    factory = re.fullmatch(r"(?:dataclass_)?field\(.*default_factory=(dict|list|tuple)\b.*\)", text)
    if factory:
        return {"dict": "{}", "list": "[]", "tuple": "()"}[factory[1]]
    default = re.fullmatch(r"(?:dataclass_)?field\(.*?default=([^,)]+).*\)", text)
    found = default[1] if default else text
    return "{}" if found == "dict()" else found


def _call(name: str, parameters: Sequence[str], end: str) -> str:
    line = f"{name}({', '.join(parameters)}){end}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in parameters) + f"){end}"


def _one_line(signature: str) -> str:
    line = re.sub(r",\n\)", ")", re.sub(r"\(\n\s+", "(", signature)).replace(",\n    ", ", ")
    return _double_quoted(line)


def _fenced(code: str) -> str:
    return f"```py\n{_double_quoted(code)}\n```\n\n"


def _double_quoted(code: str) -> str:
    return re.sub(r"'([^'\"\n]*)'", r'"\1"', code)


def _words(member: griffe.Object) -> str:
    return f"{_prose(member.docstring.value)}\n\n" if member.docstring else ""


def _prose(docstring: str) -> str:
    """Markdown of a docstring: literal blocks are fenced, double backticks single."""

    def fenced(found: re.Match[str]) -> str:
        before = f"{found[1]}:\n" if found[1].strip() else ""
        return f"{before}\n```text\n{textwrap.dedent(found[2]).strip()}\n```\n\n"

    text = re.sub(r"``(.+?)``", r"`\1`", docstring, flags=re.DOTALL)
    text = _LITERAL.sub(fenced, f"{text}\n")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def main() -> None:
    """Write the pages that are new or changed; remove those that are no more."""
    FOLDER.mkdir(exist_ok=True)
    made = documents()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
