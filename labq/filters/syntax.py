"""Text -> Python's syntax tree, and the reasons why a text has none.

Python's own parser reads the text; nothing is ever evaluated. Line breaks count as blanks. The tree
is bounded before anything walks it, so that no text can exhaust the stack.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from labq.errors import FilterError
from labq.filters.tokens import Source, Token, is_surrogate, tokens

if TYPE_CHECKING:
    from labq.filters.tokens import Span

MAX_LENGTH = 10_000
MAX_DEPTH = 50  # of an expression
MAX_QUERY_DEPTH = 120  # of a MongoDB query: what the deepest expression becomes reads back
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_ADVICE = {
    "=": "`=` does not compare; use `==`",
    ":=": "`:=` does not compare; use `==`",
    "===": "there is no `===`; use `==`",
    "!==": "there is no `!==`; use `!=`",
    "<>": "there is no `<>`; use `!=`",
    "&&": "there is no `&&`; use `and`",
    "||": "there is no `||`; use `or`",
    "!": "there is no `!`; use `not`",
    ";": "a filter is one expression; join two with `and` or `or`",
    "$": "`$` stands only inside a MongoDB query, in quotes",
    "?": "there is no `?` in a filter",
    "`": "names need no backquotes",
}
_WORDS = {
    "AND": "write `and` in small letters",
    "OR": "write `or` in small letters",
    "NOT": "write `not` in small letters",
    "IN": "write `in` in small letters",
    "LIKE": "there is no LIKE; use `contains(field, text)` or `regex(field, pattern)`",
    "BETWEEN": "there is no BETWEEN; write `low <= field <= high`",
}
_STATEMENTS = frozenset(
    {"import", "from", "def", "class", "return", "del", "while", "with", "assert", "raise", "pass"}
    | {"global", "try", "exec", "print", "yield", "async", "await"}
)


@dataclass(frozen=True)
class Tree:
    """A text with its syntax tree, and the characters that each node stands for."""

    source: Source
    shift: int  # the blanks before the expression, which Python did not see
    body: ast.expr = field(repr=False)

    def span(self, node: ast.expr) -> Span:
        """The characters of a node; Python counts bytes of UTF-8."""
        code = self.source.text[self.shift :]
        start, end = node.col_offset, node.end_col_offset or node.col_offset + 1
        if not code.isascii():
            encoded = code.encode()
            start, end = len(encoded[:start].decode()), len(encoded[:end].decode())
        return start + self.shift, end + self.shift

    def text(self, node: ast.expr) -> str:
        """The node as it was typed."""
        start, end = self.span(node)
        return self.source.text[start:end]

    def error(self, message: str, node: ast.expr) -> FilterError:
        return self.source.error(message, self.span(node))


def read(text: str) -> Tree:
    """The syntax tree of one expression; FilterError says why there is none."""
    source = Source(text)
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"the filter has {len(text):,} characters; {MAX_LENGTH:,} is the most it may have"
        )
    if not text.strip():
        raise FilterError("the filter is empty")
    for place, char in enumerate(text):
        if char == "\0" or is_surrogate(char):
            raise source.error("this character cannot stand in a filter", (place, place + 1))
    _check_nesting(source)
    code = "".join(" " if char in "\r\n\t\f\v" else char for char in text).lstrip(" ")
    shift = len(text) - len(code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError) as fault:
        _explain(source, fault, shift)
    except (RecursionError, MemoryError):
        raise _too_deep(source) from None
    tree = Tree(source, shift, body)
    _check_depth(tree)
    return tree


def _most(source: Source) -> int:
    return MAX_QUERY_DEPTH if source.text.lstrip().startswith("{") else MAX_DEPTH


def _too_deep(source: Source) -> FilterError:
    return FilterError(f"the filter is nested more than {_most(source)} deep", source.text)


def _check_nesting(source: Source) -> None:
    """Brackets and prefixes within bounds, so that Python's parser stays within its stack."""
    open_brackets = run = 0
    for token in tokens(source.text):
        open_brackets += (token.text in _BRACKETS) - (token.text in _BRACKETS.values())
        run = run + 1 if token.text in ("not", "-", "+", "~", "lambda", ":", "**") else 0
        if max(open_brackets, run) > _most(source):
            raise _too_deep(source)


def _check_depth(tree: Tree) -> None:
    level: list[ast.AST] = [tree.body]
    for _ in range(_most(tree.source)):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise _too_deep(tree.source)


def _explain(source: Source, fault: Exception, shift: int) -> NoReturn:
    """Raises what a person can act on in place of Python's words."""
    found = tokens(source.text)
    for token in found:
        if token.kind == "open":
            span = (token.start, token.start + 1)
            raise source.error(f"the quote {token.text[:1]} is never closed", span)
    for token in found:
        if token.kind == "op" and token.text in _ADVICE:
            raise source.error(_ADVICE[token.text], token.span)
    _explain_brackets(source, found)
    for token, following in zip(found, [*found[1:], None], strict=True):
        _explain_word(source, token, following)
    if found[-1].kind == "op" or _is_word(found[-1]):
        raise source.error("the filter ends too early", found[-1].span)
    at = min(max((getattr(fault, "offset", None) or 1) - 1 + shift, 0), len(source.text) - 1)
    if _is_second(found, at):
        message = "a filter is one expression; join two with `and` or `or`"
        raise source.error(message, _token_at(found, at).span)
    raise source.error("this is no expression of the filter language", _token_at(found, at).span)


def _token_at(found: list[Token], at: int) -> Token:
    return next((token for token in found if token.span[1] > at), found[-1])


def _is_second(found: list[Token], at: int) -> bool:
    """Does one value directly follow another?"""
    places = [token.start for token in found]
    if at not in places or places.index(at) == 0:
        return False
    before, here = found[places.index(at) - 1], found[places.index(at)]
    ends = before.kind in ("name", "number", "string") or before.text in (")", "]", "}")
    return ends and here.kind in ("name", "number", "string") and not _is_word(before)


def _is_word(token: Token) -> bool:
    return token.text in ("and", "or", "not", "in", "is")


def _explain_brackets(source: Source, found: list[Token]) -> None:
    waiting: list[Token] = []
    for token in found:
        if token.kind == "op" and token.text in _BRACKETS:
            waiting.append(token)
        elif token.kind == "op" and token.text in _BRACKETS.values():
            if not waiting or _BRACKETS[waiting[-1].text] != token.text:
                raise source.error(f"this `{token.text}` closes nothing", token.span)
            waiting.pop()
    if waiting:
        raise source.error(f"this `{waiting[-1].text}` is never closed", waiting[-1].span)


def _explain_word(source: Source, token: Token, following: Token | None) -> None:
    if token.kind == "name" and token.text in _WORDS:
        raise source.error(_WORDS[token.text], token.span)
    if token.kind == "name" and token.text in _STATEMENTS:
        raise source.error("a filter is an expression, not a statement", token.span)
    if token.kind != "name" or following is None or following.start != token.span[1]:
        return
    if following.kind == "number" and following.text.startswith("."):
        message = f"write a place in a list as `[{following.text[1:]}]`"
        raise source.error(message, following.span)
