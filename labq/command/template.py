"""Command templates: `%{foo.bar}` in a worker's command, filled from a task's args.

    item := (text | "%%" | "%{" key [":" default] "}" | "%(" key [":" default] ")")*
          | "%{" key "...}"

`%{key...}` is a list as several words, `%{args}` all args as JSON, which asks for none of them. Any
other `%` is itself; a default ends at the first `}` or `)`. A command without a placeholder gets
the task's words, or its args as flags, behind it. In a shell text the values are the shell's
variables: they are never part of the text that it parses. In words that were typed for one task
only the placeholders of some keys are live.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labq.command.interpreters import JOINING, VALUE, Reading, Role, reading
from labq.command.words import flat, key_path, text_of
from labq.command.words import to_flags as flags_of
from labq.errors import ArgsError, TemplateError, UsageError
from labq.values.paths import MISSING, lookup
from labq.values.text import shortened

if TYPE_CHECKING:
    from labq.command.spelling import Spelling

_ITEM = re.compile(r"%%|%[({]")
SPREAD = "..."
_CLOSING = {"%(": ")", "%{": "}"}
ALL = "args"


@dataclass(frozen=True)
class Placeholder:
    """One `%{key:default}`; `default` is None where the task must have the key."""

    key: str
    default: str | None = None
    spread: bool = False  # `%{key...}`: a list is several words


Item = tuple["str | Placeholder", ...]


@dataclass(frozen=True)
class Template:
    """A command, parsed: one tuple of texts and placeholders per argv item."""

    items: tuple[Item, ...]
    shell: bool = False

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Every placeholder in reading order, `%(args)` too."""
        return tuple(part for item in self.items for part in item if isinstance(part, Placeholder))

    @property
    def keys(self) -> dict[str, bool]:
        """The dotted keys that the command names -> whether a task must have it."""
        keys: dict[str, bool] = {}
        for part in self.placeholders:
            if part.key != ALL:
                keys[part.key] = keys.get(part.key, False) or part.default is None
        return keys

    @property
    def takes_any(self) -> bool:
        """Whether every task fits: no placeholder, or `%(args)`, which takes all there is."""
        return not self.placeholders or any(part.key == ALL for part in self.placeholders)

    def render(self, args: Mapping[str, Any], spelling: Spelling | None = None) -> list[str]:
        """The argv for a task's args.

        Args:
            args: the task's.
            spelling: how its words were typed, if they were.

        Raises:
            TemplateError: the task lacks a key without a default.
        """
        if self.shell:
            return self._render_shell(args, spelling)
        argv = self.filled(args, spelling)
        return argv if self.placeholders else argv + _behind(args, spelling)

    def filled(self, args: Mapping[str, Any], spelling: Spelling | None = None) -> list[str]:
        """The command's own words for a task's args; raises as `render` does."""
        words: list[str] = []
        for item in self.items:
            first = item[0] if item else ""
            if isinstance(first, Placeholder) and first.spread:
                value = lookup(args, first.key)
                if isinstance(value, list):
                    words += map(text_of, value)
                    continue
            words.append("".join(self._part(part, args, spelling) for part in item))
        return words

    def _render_shell(self, args: Mapping[str, Any], spelling: Spelling | None) -> list[str]:
        """Variables, not `$1`, hold the values: functions and `set` in the text change `$1`."""
        text, values = "", []
        for part in self.items[0]:
            if isinstance(part, str):
                text += part
            else:
                values.append(self._part(part, args, spelling))
                text += f'"${{labq_{len(values)}}}"'
        if not values:
            return ["/bin/sh", "-c", f'{text.rstrip()} "$@"', "labq", *_behind(args, spelling)]
        taken = " ".join(f"labq_{place}=${{{place}}}" for place in range(1, len(values) + 1))
        return ["/bin/sh", "-c", f"{taken}; shift {len(values)}; {text}", "labq", *values]

    def _part(
        self, part: str | Placeholder, args: Mapping[str, Any], spelling: Spelling | None
    ) -> str:
        if isinstance(part, str):
            return part
        if part.key == ALL:
            return json.dumps(args, ensure_ascii=False)
        value = lookup(args, part.key)
        if value is not MISSING:
            return text_of(value) if spelling is None else spelling.text_at(part.key, value)
        if part.default is None:
            raise TemplateError(f"%({part.key}): the task has no such arg ({_have(args)})")
        return part.default


def _behind(args: Mapping[str, Any], spelling: Spelling | None) -> list[str]:
    """What stands behind a command that has no placeholder."""
    return flags_of(args) if spelling is None else spelling.of(args)


def with_raw(argv: Sequence[str], raw: str, *, shell: bool) -> list[str]:
    """The argv that has a shell run a command, quoted, and behind it a text as it is.

    Args:
        argv: the command, rendered.
        raw: the text.
        shell: whether the command is shell text itself.
    """
    if shell:
        return [*argv[:2], f"{argv[2].rstrip()} {raw}", *argv[3:]]
    return ["/bin/sh", "-c", f"{shlex.join(argv)} {raw}"]


def _have(args: Mapping[str, Any]) -> str:
    return "it has " + (", ".join(flat(args)) or "none")


def split_command(value: Any) -> list[str]:
    """The words of a command: a list of them, or a text that is split as a shell does.

    Raises:
        UsageError: it is no command.
    """
    told = repr(shortened(text_of(value)))
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise UsageError(f"cmd: {str(error).lower()} in {told}") from None
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        raise UsageError(f"cmd must be a command, not {told}")
    return words


def command_words(value: Any) -> list[str]:
    """The words of a task's own command all of whose placeholders are live.

    Raises:
        UsageError: it is no command, or a placeholder in it is wrong.
    """
    words = split_command(value)
    if "%(" in (joined := "".join(words)) or "%{" in joined:
        parse_command(words)
    return words


def parse_command(command: Sequence[str], live: Collection[str] | None = None) -> Template:
    """The template of an argv list.

    Args:
        command: the words.
        live: the keys whose placeholders are some, others are text; None: all are.

    Raises:
        TemplateError: an unclosed placeholder, a bad key, or a placeholder within what a shell or
            another interpreter reads as a program.
    """
    if not command or not command[0]:
        raise TemplateError("the command is empty: write it after --")
    template = Template(tuple(parse_item(item, live) for item in command))
    if template.placeholders and (found := reading(_words(template))):
        raise _refusal(template.items[found.at], found)
    return template


def parse_shell(text: str) -> Template:
    """The template of a shell command (`worker run -c TEXT`).

    Raises:
        TemplateError: as `parse_command`; a placeholder where the shell would not take the value as
            one word, or hands it to another as a program; an end to which no args can be appended.
    """
    if not text.strip():
        raise TemplateError("the shell command is empty")
    item = parse_item(text)
    before = ""
    for part in item:
        if isinstance(part, str):
            before += part
        elif "<<" in text:
            raise TemplateError(
                f"%({part.key}) beside a here-document: write it without one, or as a script"
            )
        elif where := _within(before):
            raise TemplateError(
                f"%({part.key}) stands within {where}: take it out, labq makes the value one word"
            )
        elif found := reading(_last_command(before + VALUE)):
            raise _refusal((part,), found)
        else:
            before += "x"
    template = Template((item,), shell=True)  # noqa: S604 - a field; nothing is run here
    if template.placeholders:
        return template
    where = "a here-document" if "<<" in text else _within(before.rstrip())
    if before.rstrip().endswith((";", "&", "|")):
        where = f"{before.rstrip()[-1]!r}"
    if where:
        raise TemplateError(f"the shell command ends within {where}: no args can be appended")
    return template


def require_appendable(template: Template) -> None:
    """Refuses a worker's command that would read the args appended to it as a program.

    Raises:
        TemplateError: it ends where an interpreter still reads options, or hands its words to a
            shell.
    """
    if template.placeholders:
        return
    appended = f"--{VALUE}"
    words = [*_words(template), appended]
    found = reading(_last_command(" ".join(words)) if template.shell else words)
    if found is None:
        return
    if found.program in JOINING:
        raise TemplateError(
            f"{found.program} hands its words to a shell, which would run what a task's args hold: "
            "put it in a script that quotes them, or start the worker where the job is to run"
        )
    raise TemplateError(
        f"a task's args would be options of {found.program} itself: name its script, or end the "
        "command with --"
    )


def _words(template: Template) -> list[str]:
    """The words of the command, in which VALUE stands for each placeholder."""
    return [
        "".join(part if isinstance(part, str) else VALUE for part in item)
        for item in template.items
    ]


def _last_command(text: str) -> list[str]:
    """The words of the last simple command of a shell text; none where quotes hide them."""
    try:
        return shlex.split(re.split(r"[;&|\n(`]", text)[-1])
    except ValueError:
        return []


def _refusal(item: Item, found: Reading) -> TemplateError:
    """Why a placeholder may not stand in a word, and what to write instead."""
    place = next(f"%({part.key})" for part in item if isinstance(part, Placeholder))
    program = found.program
    if found.role is Role.OPTION:
        return TemplateError(
            f"{place}: a value that begins with a dash would be an option of {program}: "
            f"write -- '{place}'"
        )
    if program in JOINING:
        advice = f"put {program} in a script that quotes it, or start the worker where it is to run"
    elif found.is_shell:
        advice = (
            "use worker run -c 'TEXT', where a value is a variable, or "
            f"sh -c 'echo \"$1\"' sh '{place}'"
        )
    else:
        advice = "pass it behind the text, as an argument of that"
    return TemplateError(f"{place}: {program} would run what the value holds: {advice}")


_WITHIN = {  # what may be open -> its name in a refusal
    "'": "quotes",
    '"': "quotes",
    "`": "backquotes",
    "$((": "$((...))",
    "#": "a comment",
    "\\": "a backslash's reach",
}
_CLOSES = {"'": "'", '"': '"', "`": "`", "$((": ")", "$(": ")", "(": ")", "#": "\n"}
_COMMAND = r"\\(?:.|\Z)|['\"`()]|\$\(\(?|(?<![^\s;&|()])#"
_TOKENS = {"'": "'", "#": "\n", '"': r"\\(?:.|\Z)|[\"`]|\$\(\(?"}  # the others: _COMMAND


def _within(text: str) -> str:
    """What a shell text has open at its end that keeps a value from being a word, or nothing.

    Follows the quoting of POSIX (Shell Command Language, 2.2 and 2.6.3): a substitution begins
    anew, within double quotes too. The `)` of a `case` pattern in one ends it too early here.
    """
    opened = [""]
    position = 0
    while found := re.compile(_TOKENS.get(opened[-1], _COMMAND), re.DOTALL).search(text, position):
        sign, position = found[0], found.end()
        if sign == _CLOSES.get(opened[-1]):
            opened.pop()
        elif sign in _CLOSES or sign == "\\":
            opened += [sign] * (2 if sign == "$((" else 1)  # it takes two to close
    return _WITHIN.get(next(kind for kind in reversed(opened) if kind != "("), "")


def parse_item(text: str, live: Collection[str] | None = None) -> Item:
    """The texts and placeholders of one word; raises as `parse_command` does."""
    if live is not None and not any(f"%{sign}{key}" in text for key in live for sign in "({"):
        return (text,)
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise TemplateError(f"the command is not valid UTF-8: {shortened(text)}")
    parts: list[str | Placeholder] = []
    literal, position = "", 0
    while found := _ITEM.search(text, position):
        literal += text[position : found.start()]
        position = found.end()
        if found[0] == "%%":
            dead = live is not None and not _opens(text, position, live)
            literal += "%%" if dead else "%"
            continue
        close = text.find(_CLOSING[found[0]], position)
        key, colon, default = text[position : max(close, position)].partition(":")
        spread = key.endswith(SPREAD)
        key = key.removesuffix(SPREAD)
        if live is not None and (close < 0 or key not in live):
            literal += found[0]
            continue
        if close < 0:
            start = shortened(text[found.start() :], 24)
            raise TemplateError(f"{start}: the placeholder is not closed (%% is a plain %)")
        try:
            key_path(key, shortened(f"%({key})"))
        except ArgsError as error:
            raise TemplateError(str(error)) from None
        if spread and (found.start(), close + 1) != (0, len(text)):
            raise TemplateError(f"%{{{key}...}} is several words: it stands for itself alone")
        one = Placeholder(key, default if colon else None, spread)
        parts += [literal] * bool(literal) + [one]
        literal, position = "", close + 1
    literal += text[position:]
    return tuple(parts + [literal] * bool(literal))


def _opens(text: str, position: int, live: Collection[str]) -> bool:
    """Whether a live placeholder, but for its `%`, begins there."""
    close = text.find(_CLOSING.get(f"%{text[position : position + 1]}", "\0"), position)
    return close > 0 and text[position + 1 : close].partition(":")[0].removesuffix(SPREAD) in live
