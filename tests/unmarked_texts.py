"""Finds texts that people get to read and that nothing marks for translation.

A text is followed backwards from where it is handed over (an exception's message, the reason in a
value) through names and through the functions that pass it on, within its module. What comes from
elsewhere counts as marked there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.source_tree import Module

MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
FOR_DEVELOPERS = {"RegistryError"}
"""Exceptions of the app that only who writes code against it meets; their texts stay English."""

_ROOT = "ConnectorError"
_TEXTS: Mapping[str, tuple[tuple[int, str], ...]] = {
    # Django's and REST framework's exceptions.
    "APIException": ((0, "detail"),),
    "ErrorDetail": ((0, "string"),),
    "Http404": ((0, ""),),
    "NotFound": ((0, "detail"),),
    "PermissionDenied": ((0, "detail"),),
    "ValidationError": ((0, "message"),),
    "super().__init__": ((0, "message"),),
    # Exceptions whose message becomes such a reason.
    "CannotOpen": ((0, "message"),),
    # Values that say in a sentence why something is so.
    "Credential": ((3, "reason"),),
    "Problem": ((2, "detail"),),
    "Refusal": ((2, "message"),),
    "Skipped": ((1, "reason"),),
    "Step": ((3, "message"), (4, "advice")),
    "Unreadable": ((0, "reason"),),
}
_WORD = re.compile(r"[A-Za-z]{2}")
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Texts = Mapping[str, tuple[tuple[int, str], ...]]


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A text that a function was given, so that its callers have to mark it."""

    function: str
    position: int
    name: str


def unmarked(modules: Mapping[str, Module]) -> list[str]:
    """A sentence for each bare text: where it stands and how it begins."""
    texts = {**_TEXTS, **_exceptions(modules)}
    return [
        f"{module.name}:{text.lineno} is not marked for translation: {ast.unparse(text)[:60]}"
        for module in modules.values()
        for text in _in_module(module, texts)
    ]


def _exceptions(modules: Mapping[str, Module]) -> _Texts:
    """The app's own exceptions, with the place of the message in their constructors."""
    classes = {
        node.name: node
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }

    def line(name: str) -> list[ast.ClassDef]:
        found: list[ast.ClassDef] = []
        while node := classes.get(name):
            found.append(node)
            name = next((base.id for base in node.bases if isinstance(base, ast.Name)), "")
        return found

    texts = {}
    for name in classes:
        ancestors = line(name)
        is_ours = any(each.name == _ROOT for each in ancestors) or _extends_external(ancestors)
        if not is_ours or name in FOR_DEVELOPERS:
            continue
        constructors = (
            each
            for node in ancestors
            for each in node.body
            if isinstance(each, ast.FunctionDef) and each.name == "__init__"
        )
        constructor = next(constructors, None)
        if constructor is not None:
            texts[name] = tuple(
                (position, argument)
                for position, argument in enumerate(_parameters(constructor))
                if argument in ("message", "detail")
            )
    return texts


def _extends_external(ancestors: list[ast.ClassDef]) -> bool:
    """Whether the last known class extends one of REST framework's."""
    bases = [ast.unparse(base).rpartition(".")[2] for node in ancestors for base in node.bases]
    return "APIException" in bases


def _in_module(module: Module, texts: _Texts) -> list[ast.expr]:
    inside = _enclosing(module.tree)
    passed_on: dict[str, set[tuple[int, str]]] = {}
    bare: dict[int, ast.expr] = {}
    grew = True
    while grew:
        grew = False
        for call, function in inside:
            for given in _given(call, texts, passed_on):
                for found in _bare(given, function, frozenset()):
                    if isinstance(found, ast.expr):
                        bare[id(found)] = found
                        continue
                    known = passed_on.setdefault(found.function, set())
                    grew |= (found.position, found.name) not in known
                    known.add((found.position, found.name))
    return list(bare.values())


def _enclosing(tree: ast.Module) -> list[tuple[ast.Call, _Function | None]]:
    """Every call with the function that it stands in."""
    found: list[tuple[ast.Call, _Function | None]] = []

    def visit(node: ast.AST, function: _Function | None) -> None:
        if isinstance(node, ast.Call):
            found.append((node, function))
        within = node if isinstance(node, _Function) else function
        for child in ast.iter_child_nodes(node):
            visit(child, within)

    visit(tree, None)
    return found


def _given(
    call: ast.Call, texts: _Texts, passed_on: Mapping[str, set[tuple[int, str]]]
) -> Iterator[ast.expr]:
    """What a call hands over that people get to read."""
    name = ast.unparse(call.func)
    if name != "super().__init__":
        name = name.rpartition(".")[2]
    for position, argument in {*texts.get(name, ()), *passed_on.get(name, ())}:
        if position < len(call.args):
            yield call.args[position]
        yield from (each.value for each in call.keywords if each.arg == argument)


def _bare(
    text: ast.expr, function: _Function | None, seen: frozenset[str]
) -> Iterator[ast.expr | _Parameter]:
    """The unmarked parts of a text, and the parameters that it comes from."""
    parts: list[ast.expr] = []
    match text:
        case ast.Constant(value=str(words)) if _WORD.search(words):
            yield text
        case ast.JoinedStr(values=values):
            parts = [each for each in values if isinstance(each, ast.Constant)]
            shown = [each.value for each in values if isinstance(each, ast.FormattedValue)]
            # Parameters that are put in are data; names may be sentences.
            local = (each for each in shown if isinstance(each, ast.Name | ast.BinOp))
            for sentence in local:
                found = _bare(sentence, function, seen)
                yield from (each for each in found if isinstance(each, ast.expr))
        case ast.BinOp(left=left, op=ast.Mod()):
            parts = [left]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [left, right]
        case ast.IfExp(body=body, orelse=orelse):
            parts = [body, orelse]
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            pass
        case ast.Dict(values=parts):
            pass
        case ast.Call(func=ast.Name(id="str"), args=parts):
            pass
        case ast.Call(func=ast.Attribute(value=value)):
            parts = [value] if not isinstance(value, ast.Name) else []
        case ast.Name(id=name) if function is not None and name not in seen:
            names = _parameters(function)
            for value in _assigned(function, name):
                yield from _bare(value, function, seen | {name})
            if name in names:
                yield _Parameter(function.name, names.index(name), name)
        case _:
            pass
    for part in parts:
        yield from _bare(part, function, seen)


def _assigned(function: _Function, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(each, ast.Name) and each.id == name for each in targets):
                    yield value
            case (
                ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value)
                | ast.NamedExpr(target=ast.Name(id=target), value=value)
                | ast.AugAssign(target=ast.Name(id=target), value=value)
            ) if target == name:
                yield value
            case _:
                pass


def _parameters(function: _Function) -> list[str]:
    """The names in the order in which a caller gives them, ``self`` left out."""
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    return names + [each.arg for each in function.args.kwonlyargs]
