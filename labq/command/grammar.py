"""The words of a command line: which are the program's, and what each of the others binds.

    line    := NAME=V* program word*           a task's own command, its variables in front
             | word*                           the arguments of a command that a worker names
    word    := flag V* | flag=V | [+[+]]key=V | ~key | "--" anything* | anything
    flag    := ("--" | "-") key                but a number, and "-" alone, never is one
    key     := name ("." name)*                dots nest

1. `NAME=V` in front is a variable where a word that is no flag and no assignment follows.
2. A line that begins with a flag, an assignment, `~key` or `--` is the arguments of a command that
   a worker names. Any other begins with the task's own command.
3. The program of a command ends at the first later word that follows `-m` (but a module that runs
   a script) or `-c`, or that has a script's ending; else it is the first word. Only what stands
   behind it binds: a launcher's own flags are words only.
4. `--key V`, `--key=V`, `--flag` (True). One dash binds as two do, and is never split: `-j8` has
   the key `j8`. `-x`, `--x` and `x=` share one key.
5. Several words up to the next flag are a list. `key=V` directly behind a flag, or behind other
   such words there, is the flag's; anywhere else it binds itself and closes the list. So does
   `~key`, which binds nothing.
6. `--` and all behind it bind nothing, nor do the words of a key that cannot be stored. Of a
   repeated key, and of `--x V` beside `--x.y W`, the later value counts.

Nothing is refused but what no document can hold. A value is as `words.parse_value` reads it; one
that cannot be stored as its type stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from labq.command.words import Path, checked_text, key_path, leaves, parse_value
from labq.errors import ArgsError

VERSION = 1  # of this grammar: what is stored was read by it
SCRIPTS = (".py", ".sh", ".bash", ".zsh", ".fish", ".R", ".r", ".jl", ".pl", ".rb", ".js", ".lua")
RUNNING = frozenset({"torch.distributed.run", "torch.distributed.launch"})  # modules: run a script

_NUMBER = re.compile(r"-(\d|\.\d)[\w.+-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_KEY = r"[^\W\d][\w./@-]*"
_ASSIGNMENT = re.compile(rf"(\+{{0,2}})({_KEY})=", re.DOTALL)
_REMOVAL = re.compile(rf"~{_KEY}(=.*)?", re.DOTALL)


@dataclass(frozen=True)
class Binding:
    """The words `at` up to `end` that one mention of a key takes, and how they are written."""

    path: Path
    at: int
    end: int
    start: str  # `--`, `-`, `+`, `++` or nothing
    equals: bool  # the value stands in the same word
    texts: tuple[str, ...]  # its values; none of a bare flag

    @property
    def key(self) -> str:
        """The key as it is typed."""
        return ".".join(self.path)

    @cached_property
    def value(self) -> Any:
        """What the words stand for."""
        if not self.texts:
            return True
        values = [_value(text, self.key, len(self.path) + 1) for text in self.texts]
        return values[0] if len(values) == 1 else values


@dataclass
class Line:
    """What a command line says."""

    env: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)  # the program's words; a worker's: none
    words: list[str] = field(default_factory=list)  # those behind them


def parse_line(words: Sequence[str]) -> Line:
    """The parts of a command line: variables, the program, and the words behind it."""
    rest = list(words)
    env: dict[str, str] = {}
    while rest and _NAME.match(rest[0]):
        name, _, value = rest.pop(0).partition("=")
        env[name] = value
    if not rest or begins_arguments(rest[0]):
        return Line(words=list(words))
    end = program_end(rest)
    return Line(env, rest[:end], rest[end:])


def begins_arguments(word: str) -> bool:
    """Whether a line that begins so is arguments alone."""
    assigns = _ASSIGNMENT.match(word) or _REMOVAL.fullmatch(word)
    return word == "--" or is_flag(word) or assigns is not None


def program_end(words: Sequence[str]) -> int:
    """How many words of a command are the program's."""
    for at, word in enumerate(words[1:], start=1):
        before = words[at - 1]
        if (before == "-m" and word not in RUNNING) or re.fullmatch("-[a-zA-Z]*c", before):
            return at + 1
        if not word.startswith("-") and word.endswith(SCRIPTS):
            return at + 1
    return 1


def is_flag(word: str) -> bool:
    """Whether it is a flag: `-x`, `--x`, `--x=V`."""
    if not word.startswith("-") or word in ("-", "--"):
        return False
    return not (_NUMBER.fullmatch(word) and _is_number(word))


def _is_number(word: str) -> bool:
    for kind in (float, complex, lambda text: int(text, 0)):
        try:
            kind(word)
        except ValueError:
            continue
        return True
    return False


def bindings(words: Sequence[str]) -> Iterator[Binding]:
    """What the words behind a program bind, in their order; the others bind nothing."""
    at = 0
    while at < len(words) and words[at] != "--":
        word, begun = words[at], at
        at += 1
        if is_flag(word):
            start = "--" if word.startswith("--") else "-"
            key, equals, text = word[len(start) :].partition("=")
            texts = [text] if equals else []
            if not equals:
                at = _values_end(words, at)
                texts = list(words[begun + 1 : at])
        elif found := _ASSIGNMENT.match(word):
            start, key, equals, texts = found[1], found[2], "=", [word[found.end() :]]
        else:
            continue
        try:
            path = key_path(key, key)
        except ArgsError:
            continue
        yield Binding(path, begun, at, start, bool(equals), tuple(texts))


def _values_end(words: Sequence[str], at: int) -> int:
    """Where the values of a flag that stands before `at` end."""
    assigning = True
    while at < len(words) and words[at] != "--" and not is_flag(words[at]):
        own = _ASSIGNMENT.match(words[at]) or _REMOVAL.fullmatch(words[at])
        if own and not assigning:
            break
        assigning = assigning and own is not None
        at += 1
    return at


def _value(text: str, where: str, depth: int) -> Any:
    try:
        return parse_value(text, where, depth)
    except ArgsError:
        return checked_text(text, where)


@dataclass
class Bound:
    """What words bind: the nested dict, who owns each of its leaves, and what replaced what."""

    args: dict[str, Any] = field(default_factory=dict)
    owners: dict[Path, Binding] = field(default_factory=dict)  # leaf -> the binding that set it
    replaced: dict[tuple[int, int], tuple[Binding, Binding]] = field(default_factory=dict)


def bound(found: Sequence[Binding]) -> Bound:
    """The args of the bindings; a later one replaces what stands in its way, dicts are joined."""
    result = Bound()
    for one in found:
        value = one.value
        nested = isinstance(value, dict) and value
        for path, item in leaves(value, one.path) if nested else [(one.path, value)]:
            _put(result, path, item, one)
    return result


def _put(result: Bound, path: Path, value: Any, by: Binding) -> None:
    def drop(leaf: Path) -> None:
        owner = result.owners.pop(leaf)
        if owner is not by:
            result.replaced[owner.at, by.at] = (owner, by)

    node = result.args
    for depth, key in enumerate(path[:-1], start=1):
        child = node.get(key)
        if not isinstance(child, dict) or path[:depth] in result.owners:
            if child == {}:  # an empty dict is joined, not replaced
                result.owners.pop(path[:depth], None)
            elif path[:depth] in result.owners:
                drop(path[:depth])
            child = node[key] = {}
        node = child
    old = node.get(path[-1])
    if isinstance(old, dict) and old and value == {}:
        return
    if path[-1] in node:
        for leaf in (
            [at for at, _ in leaves(old, path)] if isinstance(old, dict) and old else [path]
        ):
            drop(leaf)
    node[path[-1]] = value
    result.owners[path] = by
