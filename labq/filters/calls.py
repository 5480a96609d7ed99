"""The functions of the filter language.

    contains(field, text)   startswith(field, text)   endswith(field, text)
    regex(field, pattern[, options])   exists(field[, bool])   missing(field)
    any(condition for name in field [if condition])   all(...)
    text in list(field)   text in dict(field)

The first three may be spelled `field.contains(text)` and so on.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NoReturn

from labq.filters.literals import DATE_CALLS
from labq.filters.nodes import And, AnyOf, Condition, Exists, Not, Path, Pattern
from labq.filters.operators import nearest
from labq.filters.regex import PatternError, compile_pattern, escape

if TYPE_CHECKING:
    from labq.filters.parser import Parser

_TEXTS = {"contains": "{}", "startswith": "^{}", "endswith": "{}\\z"}
CONDITIONS = (*_TEXTS, "regex", "exists", "missing", "any", "all")
FUNCTIONS = (*CONDITIONS, "len", *DATE_CALLS[:2])


def condition(parser: Parser, node: ast.Call) -> Condition:
    """The condition of a call; FilterError where it is not on the list."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in _TEXTS:
        return _text(parser, node, node.func.attr, [node.func.value, *node.args])
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in CONDITIONS:
        if name in FUNCTIONS:
            message = f"`{name}(...)` is no condition; compare it with something"
            raise parser.literals.tree.error(message, node)
        refuse(parser, node)
    if name in _TEXTS:
        return _text(parser, node, name, node.args)
    if name == "regex":
        return _regex(parser, node)
    if name in ("any", "all"):
        return _quantified(parser, node, name)
    return _existence(parser, node, name)


def refuse(parser: Parser, node: ast.Call) -> NoReturn:
    """Raises that the call is not on the list."""
    tree = parser.literals.tree
    name = tree.text(node.func)
    known = [word for word in FUNCTIONS if word.casefold() == name.casefold()]
    hint = f"; did you mean `{known[0]}`?" if known else nearest(name, FUNCTIONS)
    if name in FUNCTIONS:
        raise tree.error(f"`{name}(...)` cannot stand here", node)
    listed = "" if hint else f"; there are {', '.join(FUNCTIONS)}"
    raise tree.error(f"`{name}` cannot be called in a filter{hint}{listed}", node.func)


def measured(parser: Parser, node: ast.Call) -> Path:
    """The field of `len(field)`, the only call that is an operand."""
    if not isinstance(node.func, ast.Name) or node.func.id != "len":
        refuse(parser, node)
    return parser.path(only_argument(parser, node))


def only_argument(parser: Parser, node: ast.Call) -> ast.expr:
    """The one argument that the function takes."""
    if len(node.args) != 1 or node.keywords:
        name = parser.literals.tree.text(node.func)
        raise parser.literals.tree.error(f"`{name}` takes one field", node)
    return node.args[0]


def _text(parser: Parser, node: ast.Call, name: str, arguments: list[ast.expr]) -> Condition:
    tree = parser.literals.tree
    if len(arguments) != 2 or node.keywords:  # noqa: PLR2004 (a field and a text)
        raise tree.error(f'`{name}` takes a field and a text, as in {name}(name, "x")', node)
    path, text = parser.path(arguments[0]), _string(parser, arguments[1])
    pattern = _TEXTS[name].format(escape(text))
    return _pattern(parser, arguments[1], Pattern(path, pattern, "", tree.span(node)))


def _regex(parser: Parser, node: ast.Call) -> Condition:
    tree = parser.literals.tree
    if len(node.args) not in (2, 3) or node.keywords:
        example = 'regex(name, "^run-[0-9]+$")'
        raise tree.error(f"`regex` takes a field and a pattern, as in {example}", node)
    options = _string(parser, node.args[2]) if len(node.args) > 2 else ""  # noqa: PLR2004
    pattern = _string(parser, node.args[1])
    found = Pattern(parser.path(node.args[0]), pattern, options, tree.span(node))
    return _pattern(parser, node.args[1], found)


def _pattern(parser: Parser, node: ast.expr, found: Pattern) -> Condition:
    try:
        compile_pattern(found.pattern, found.options)
    except PatternError as fault:
        message = f"this regular expression has {fault}"
        raise parser.literals.tree.error(message, node) from None
    return found


def _string(parser: Parser, node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return str(parser.literals.read(node))
    raise parser.literals.tree.error("a text in quotes is wanted here", node)


def _existence(parser: Parser, node: ast.Call, name: str) -> Condition:
    tree = parser.literals.tree
    flag = node.args[1] if len(node.args) == 2 else None  # noqa: PLR2004 (a field and a flag)
    is_flag = isinstance(flag, ast.Constant) and isinstance(flag.value, bool)
    if node.keywords or not 1 <= len(node.args) <= 2 or (flag and not is_flag):  # noqa: PLR2004
        raise tree.error(f"`{name}` takes a field, and True or False", node)
    found = Exists(parser.path(node.args[0]), tree.span(node))
    wanted = (flag.value if isinstance(flag, ast.Constant) else True) == (name == "exists")
    return found if wanted else Not(found)


def _quantified(parser: Parser, node: ast.Call, name: str) -> Condition:
    """`any(...)`; `all(...)` says that there is none of which the condition is false."""
    tree = parser.literals.tree
    over = node.args[0] if len(node.args) == 1 and not node.keywords else None
    loop = over.generators[0] if isinstance(over, (ast.GeneratorExp, ast.ListComp)) else None
    if not isinstance(over, (ast.GeneratorExp, ast.ListComp)) or loop is None:
        example = f"{name}(r.score > 0.5 for r in args.runs)"
        raise tree.error(f"`{name}` takes a condition over a list, as in {example}", node)
    if len(over.generators) != 1 or not isinstance(loop.target, ast.Name) or loop.is_async:
        raise tree.error(f"`{name}` goes over one list, with one name for its elements", over)
    if parser.variable:
        raise tree.error("an `any` or `all` cannot stand inside another", node)
    inner = parser.inside(loop.target.id)
    tests = [inner.condition(test) for test in loop.ifs]
    wanted = inner.condition(over.elt)
    path, span = parser.path(_unlisted(loop.iter)), tree.span(node)
    if name == "any":
        return AnyOf(path, loop.target.id, _joined([*tests, wanted]), span)
    return Not(AnyOf(path, loop.target.id, _joined([*tests, Not(wanted)]), span))


def _joined(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else And(tuple(conditions))


def _unlisted(node: ast.expr) -> ast.expr:
    """`list(field)` is the field."""
    is_list = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    if is_list and isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        return node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "list" else node
    return node


def membership(parser: Parser, left: ast.expr, right: ast.expr) -> Condition:
    """`left in list(field)` and `left in dict(field)`."""
    tree = parser.literals.tree
    if not isinstance(right, ast.Call):
        raise tree.error("`in` needs a list or a field on its right", right)
    path = parser.path(only_argument(parser, right))
    span = (tree.span(left)[0], tree.span(right)[1])
    if isinstance(right.func, ast.Name) and right.func.id == "list":
        return parser.member(left, Path(path.parts, path.span, path.variable), span)
    key = _string(parser, left)
    parts = key.split(".")
    if not all(parts) or any(part.startswith("$") or "\0" in part for part in parts):
        raise tree.error("this cannot be the name of a field", left)
    return Exists(Path((*path.parts, *parts), path.span, path.variable), span)
