"""The text of a filter, its tokens, and the errors that point into it.

    token := string | name | number | operator

A span is a half-open range of characters. Nothing here understands the language; the tokens serve
the explanation of text that Python cannot parse, and completion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from labq.errors import FilterError

Span = tuple[int, int]

_TOKEN = re.compile(
    r"""
      (?P<string>(?:\b[rRbBuUfF]{1,2})?(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'))
    | (?P<open>(?:\b[rRbBuUfF]{1,2})?["'])
    | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\w*)
    | (?P<name>[^\W\d]\w*)
    | (?P<op>===|!==|==|!=|<=|>=|<>|:=|&&|\|\||\*\*|//|[-+*/%<>=!()\[\]{},.:;&|~^@$`?])
    | (?P<other>\S)
    """,
    re.VERBOSE | re.DOTALL,
)


def is_surrogate(char: str) -> bool:
    """Is this half of a surrogate pair, which is no text in UTF-8?"""
    return "\ud800" <= char <= "\udfff"


class Token(NamedTuple):
    """`kind` is string, open (a quote that never closes), number, name, op or other."""

    kind: str
    text: str
    start: int

    @property
    def span(self) -> Span:
        return self.start, self.start + len(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens of `text`; an unclosed string takes the rest of it."""
    found = []
    at = 0
    while match := _TOKEN.search(text, at):
        kind = match.lastgroup or "other"
        at = len(text) if kind == "open" else match.end()
        found.append(Token(kind, text[match.start() : at], match.start()))
    return found


@dataclass(frozen=True)
class Source:
    """The text as it was typed."""

    text: str

    def error(self, message: str, span: Span | None = None) -> FilterError:
        """The error at `span`, or at the whole text."""
        stripped = self.text.strip()
        start = self.text.find(stripped)
        return FilterError(message, self.text, span or (start, start + len(stripped)))
