r"""Regular expressions that mongod (PCRE, UTF-8) and Python's `re` read alike.

    pattern    := branch ("|" branch)*
    branch     := (atom quantifier?)*
    atom       := literal | "." | "^" | "$" | class | escape | group
    group      := opening pattern ")"
    opening    := "(" | "(?:" | "(?P<name>" | "(?<name>" | "(?=" | "(?!" | "(?<=" | "(?<!" | "(?i:"
    quantifier := ("*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}") "?"?
    options    := any of "i" (case), "m" (lines), "s" (dot takes newlines), "x" (blanks skipped)

What differs is rewritten: `\d \w \s \b` know ASCII alone, `\z` and `\Z`, `^` at a last newline.
Refused is what only one of the two knows (possessive and atomic groups, recursion, `\p{...}`, ...)
and the shape that makes backtracking explode: an unbounded repeat of a group without a fixed part,
such as `(a+)+` or `(.*)*`. A search that is slow all the same ends with Ctrl-C.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from labq.filters.tokens import is_surrogate

MAX_LENGTH = 1000
MAX_DEPTH = 20
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_SETS = frozenset("dwsDWS")
_ASSERTIONS = {"b": r"(?a:\b)", "B": r"(?!(?a:\b))", "A": r"\A", "z": r"\Z", "Z": r"(?=\n?\Z)"}
_CONTROLS = {"n": r"\n", "t": r"\t", "r": r"\r", "f": r"\f", "e": r"\x1b"}
_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "0-9A-Za-z",
    "word": "0-9A-Za-z_",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9A-Fa-f",
    "space": r"\t-\r ",
    "punct": r"!-/:-@\[-`{-~",
}
_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{0,4}))?\}")
_GROUP = re.compile(r"\?(?:(:|=|!|<=|<!)|P?<([A-Za-z_]\w{0,30})>|([ims]{1,3}):)", re.ASCII)
_POSIX_NAME = re.compile(r"\[:(\w+):\]", re.ASCII)
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")


class PatternError(ValueError):
    """The pattern is not in the grammar; the message is a noun phrase that says what is wrong."""


@dataclass(frozen=True)
class Piece:
    """A translated part; `fixed` says that it always takes at least one character, one way."""

    text: str
    fixed: bool


def compile_pattern(pattern: str, options: str = "") -> re.Pattern[str]:
    """The pattern for `re`'s search; PatternError where the two engines could differ."""
    flags = 0
    for option in options:
        if option not in "imsx":
            raise PatternError(f"the option {option!r} (there are i, m, s and x)")
        flags |= _FLAGS.get(option, 0)
    inline = re.match(r"\(\?([ims]{1,3})\)", pattern)
    for option in inline.group(1) if inline else "":
        flags |= _FLAGS[option]
    body = pattern[inline.end() :] if inline else pattern
    text = _Reader(body, multiline=bool(flags & re.MULTILINE), extended="x" in options).whole()
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as fault:
        raise PatternError(str(fault)) from None


@dataclass(frozen=True)
class Literal:
    """A pattern that is plain text: `start` and `end` say where it is anchored."""

    text: str
    start: bool
    end: bool


_PLAIN = re.compile(r"(\^?)((?:[^\\^$.|?*+()\[\]{}]|\\[^0-9A-Za-z])*)(\\z)?")


def literal(pattern: str, options: str = "") -> Literal | None:
    """The text that a pattern without wildcards looks for, or None."""
    found = None if options else _PLAIN.fullmatch(pattern)
    if not found:
        return None
    text = re.sub(r"\\(.)", r"\1", found.group(2), flags=re.DOTALL)
    return Literal(text, bool(found.group(1)), bool(found.group(3)))


def escape(text: str) -> str:
    """The pattern that matches `text` and nothing else."""
    return re.sub(r"([^0-9A-Za-z_\s\x80-\U0010ffff])", r"\\\1", text)


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str, *, multiline: bool, extended: bool) -> None:
        if len(pattern) > MAX_LENGTH:
            raise PatternError(f"more than {MAX_LENGTH} characters")
        if "\0" in pattern:
            raise PatternError("a NUL character")
        self.text, self.at, self.depth = pattern, 0, 0
        self.multiline, self.extended = multiline, extended

    def whole(self) -> str:
        piece = self._choice()
        if self.at < len(self.text):
            raise PatternError("a `)` that closes nothing")
        return piece.text

    def _choice(self) -> Piece:
        branches = [self._branch()]
        while self._take("|"):
            branches.append(self._branch())
        text = "|".join(branch.text for branch in branches)
        return Piece(text, all(branch.fixed for branch in branches))

    def _branch(self) -> Piece:
        pieces = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self.extended and self._skip():
                continue
            pieces.append(self._quantified())
        return Piece("".join(p.text for p in pieces), any(p.fixed for p in pieces))

    def _skip(self) -> bool:
        """Passes over a blank or a comment of the option x."""
        blank = re.compile(r"\s+|#[^\n]*\n?", re.ASCII).match(self.text, self.at)
        if blank:
            self.at = blank.end()
        return bool(blank)

    def _quantified(self) -> Piece:
        atom, is_group = self._atom()
        found = _QUANTIFIER.match(self.text, self.at)
        if not found:
            return atom
        self.at = found.end()
        lazy = "?" if self._take("?") else ""
        if self.text[self.at : self.at + 1] in ("+", "*") or _QUANTIFIER.match(self.text, self.at):
            raise PatternError("a repeat of a repeat")
        least, unbounded = _bounds(found)
        if unbounded and is_group and not atom.fixed:
            raise PatternError("an unbounded repeat of a group that has no fixed part")
        return Piece(atom.text + found.group() + lazy, least > 0 and not unbounded and atom.fixed)

    def _atom(self) -> tuple[Piece, bool]:
        char = self.text[self.at]
        self.at += 1
        if char == "(":
            return self._group(), True
        if char == "[":
            return Piece(self._class(), fixed=True), False
        if char == "\\":
            return self._escape(), False
        if char in "*+?" or (char == "{" and _QUANTIFIER.match(self.text, self.at - 1)):
            raise PatternError(f"a `{char}` with nothing to repeat")
        if char == "^":
            text = r"(?:\A|(?<=\n)(?!\Z))" if self.multiline else r"\A"
            return Piece(text, fixed=False), False
        if char == "$":
            return Piece("$", fixed=False), False
        return Piece(char if char == "." else re.escape(char), fixed=True), False

    def _group(self) -> Piece:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise PatternError(f"groups more than {MAX_DEPTH} deep")
        opening = "("
        if self.text.startswith(("?", "*"), self.at):
            found = _GROUP.match(self.text, self.at)
            if not found:
                raise PatternError(f"the group `({self.text[self.at : self.at + 3]}`")
            self.at = found.end()
            if found.group(3) and "m" in found.group(3):
                raise PatternError("the option m inside the pattern")
            opening += f"?P<{found.group(2)}>" if found.group(2) else found.group()
        inside = self._choice()
        if not self._take(")"):
            raise PatternError("a `(` that is never closed")
        self.depth -= 1
        looking = opening.startswith(("(?=", "(?!", "(?<=", "(?<!"))
        return Piece(f"{opening}{inside.text})", inside.fixed and not looking)

    def _escape(self) -> Piece:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char and char in _SETS:
            return Piece(_set(char), fixed=True)
        if char in _ASSERTIONS and char:
            return Piece(_ASSERTIONS[char], fixed=False)
        if char and char in "123456789" and not self.text[self.at : self.at + 1].isdigit():
            return Piece(f"(?:\\{char})", fixed=False)
        return Piece(self._character(char), fixed=True)

    def _character(self, char: str) -> str:
        """The escape of one character, after its backslash."""
        found = _HEX.match(self.text, self.at - 1)
        if char == "x" and found:
            self.at = found.end()
            code = int(found.group(1) or found.group(2), 16)
            if code > sys.maxunicode or is_surrogate(chr(code)):
                raise PatternError(f"the escape `\\{found.group()}`")
            return re.escape(chr(code))
        if char in _CONTROLS:
            return _CONTROLS[char]
        if not char or char.isalnum() or char == "_":
            raise PatternError(f"the escape `\\{char}`")
        return re.escape(char)

    def _class(self) -> str:
        """A bracketed class, after its `[`.

        Sets of characters stand beside the class: they know ASCII alone, whatever the options.
        """
        negative = self._take("^")
        items: list[str] = []
        sets: list[str] = []
        first = True
        while first or not self._take("]"):
            if self.at >= len(self.text):
                raise PatternError("a `[` that is never closed")
            found = self._class_set()
            if found:
                sets.append(found)
            else:
                items.append(self._class_item())
            first = False
        inside = "".join(items)
        if not sets:
            return f"[{'^' if negative else ''}{inside}]"
        if negative:
            return f"(?:(?!{'|'.join(sets)}){f'[^{inside}]' if items else '(?s:.)'})"
        return f"(?:{'|'.join([*sets, *([f'[{inside}]'] if items else [])])})"

    def _class_set(self) -> str:
        """A set inside `[ ]`, empty where there is none."""
        posix = _POSIX_NAME.match(self.text, self.at)
        if posix and posix.group(1) in _POSIX:
            found = f"(?a:[{_POSIX[posix.group(1)]}])"
        elif self.text.startswith(("[:", "[=", "[."), self.at):
            raise PatternError("a class of characters within `[ ]`")
        elif self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in _SETS:
            found = _set(self.text[self.at + 1])
        else:
            return ""
        self.at = posix.end() if posix else self.at + 2
        if self._ranges():
            raise PatternError("a range of sets within `[ ]`")
        return found

    def _ranges(self) -> bool:
        """Does a hyphen follow that makes a range?"""
        return (
            self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 : self.at + 2] != "]"
        )

    def _class_item(self) -> str:
        low = self._class_character()
        if not self._ranges():
            return low
        self.at += 1
        if self.at >= len(self.text):
            raise PatternError("a `[` that is never closed")
        if self._class_set():
            raise PatternError("a range of sets within `[ ]`")
        return f"{low}-{self._class_character()}"

    def _class_character(self) -> str:
        char = self.text[self.at]
        self.at += 1
        if char != "\\":
            return _in_class(char)
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return r"\x08" if char == "b" else self._character(char)

    def _take(self, word: str) -> bool:
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        return False


def _bounds(quantifier: re.Match[str]) -> tuple[int, bool]:
    """The least repeats, and whether there is no most."""
    sign = quantifier.group()
    if sign in "*+?":
        return int(sign == "+"), sign != "?"
    if quantifier.group(2) and not quantifier.group(3):
        return int(quantifier.group(1)), True
    return int(quantifier.group(1)), False


def _set(char: str) -> str:
    """A set of characters, ASCII alone; `re` would apply `(?a:...)` to no negative one."""
    if char.islower():
        return f"(?a:\\{char})"
    return f"(?:(?!(?a:\\{char.lower()}))(?s:.))"


def _in_class(char: str) -> str:
    """A character inside `[ ]`, escaped where `re` gives it a meaning or may come to."""
    return f"\\{char}" if char in "[]\\^-&~|" else char
