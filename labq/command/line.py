"""The command line of a task: what a person typed, as it is stored, and the argv of an attempt.

Stored are the program (`cmd`) and the words behind it (`words.typed`), as they were typed; which
of their placeholders are live (`words.live`, dotted keys); what was typed for a key later
(`words.texts`, nested as the args are); and `words.style`, `none` where args without words are not
passed. A command that was given to Python as `cmd` has no typed words: all its placeholders are
live.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labq.command.grammar import VERSION, Binding, Line, parse_line
from labq.command.spelling import ALL, Spelling
from labq.command.words import flat, leaves, normalised, text_of
from labq.errors import TemplateError
from labq.values.paths import MISSING, lookup, merged
from labq.values.text import shortened

if TYPE_CHECKING:
    from labq.command.template import Template

SHELL = frozenset({"&&", "||", "|", ">", ">>", "<", ";", "&", "2>&1", "|&"})  # signs of one

Task = Mapping[str, Any]


def fields(
    typed_words: Sequence[str], args: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The fields of a new task for the words of a command line, its args, and warnings.

    `cmd`, `words`, `env` and `cwd`, those that the words say something of; raises as `typed` does.
    """
    line = parse_line(typed_words)
    words, found, warnings = typed(line, args)
    said: dict[str, Any] = {"words": words}
    if line.command and (sign := next((word for word in line.words if word in SHELL), "")):
        warnings.append(
            f"{sign!r} is a word for the program: no shell reads it (sh -c TEXT has one)"
        )
    if line.command:
        said |= {"cmd": line.command, "cwd": os.getcwd()}  # noqa: PTH109 - fast
    if line.env:
        said["env"] = line.env
    return said, found, warnings


def has_places(draft: Task) -> bool:
    """Whether typed words of the draft may hold placeholders."""
    typed_words = draft.get("words", {}).get("typed")
    if typed_words is None:
        return False
    return any("%(" in word or "%{" in word for word in (*draft.get("cmd", ()), *typed_words))


def for_args(
    draft: dict[str, Any], more: Mapping[str, Any], keys: Collection[str]
) -> dict[str, Any]:
    """A draft whose typed words have the placeholders of more args live.

    Args:
        draft: with `args`, `cmd`, `words`.
        more: what is to be laid over its args, of a line of a file.
        keys: the dotted keys that any line of it has, whose placeholders are live in each.

    Raises:
        ArgsError: as `typed` does.
        TemplateError: as `typed` does; a line lacks what the command wants of it.
    """
    line = Line({}, draft.get("cmd", []), draft.get("words", {}).get("typed", []))
    owned = _spelling(draft["words"], {}).typed.owners
    base = {".".join(at): value for at, value in leaves(draft["args"]) if at not in owned}
    whole = merged(dict(normalised(base, "args")), more)
    words, found, _ = typed(line, whole)
    lacks = [key for key in keys if lookup(whole, key) is MISSING]
    if lacks := [key for key in lacks if _names([*line.command, *line.words], key)]:
        raise TemplateError(f"the command does not fit: the task lacks {', '.join(lacks)}")
    return {**draft, "words": words, "args": found}


def typed(
    line: Line, args: Mapping[str, Any], *, style: str = ""
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The `words` of a task for a line that was typed, its args, and warnings.

    Args:
        line: what was typed.
        args: those that come from elsewhere, below those of the line: from --args, a file, a grid.
        style: of args that have no words.

    Raises:
        ArgsError: a key has a value in one of them and keys in the other.
        TemplateError: a live placeholder stands within what an interpreter reads as a program.
    """
    words = stored(line, args, style=style)
    found = _spelling(words, {}).typed
    warnings = [_warning(first, later) for first, later in found.replaced.values()]
    warnings += [
        f"{_told(owner)} replaces the value in --args"
        for path, owner in found.owners.items()
        if lookup(args, ".".join(path)) is not MISSING
    ]
    return words, merged(args, found.args, "--args"), warnings


def _warning(first: Binding, later: Binding) -> str:
    if first.path == later.path:
        return f"{_told(later)} is given twice: args hold the later value, the job gets both"
    return f"{_told(later)} replaces the value of {_told(first)} in args, the job gets both"


def _told(one: Binding) -> str:
    return shortened(f"{one.start}{one.key}{'=' * (not one.start.startswith('-'))}")


def stored(line: Line, args: Mapping[str, Any], *, style: str = "") -> dict[str, Any]:
    """The `words` of a task for a line that was typed; as `typed` has it."""
    whole = [*line.command, *line.words]
    prefixes = (".".join(at[:end]) for at, _ in leaves(args) for end in range(1, len(at) + 1))
    keys = dict.fromkeys([*prefixes, *[ALL] * bool(args)])
    live = [key for key in keys if _names(whole, key)]
    if live:
        from labq.command.template import parse_command

        parse_command(whole or [""], live)
    words: dict[str, Any] = {"grammar": VERSION, "typed": line.words}
    if live:
        words["live"] = live
    if style:
        words["style"] = style
    if _spelling(words, {}).loose:
        words["loose"] = True
    return words


def _names(words: Sequence[str], key: str) -> bool:
    texts = [f"%{sign}{key}{close}" for sign, end in ("()", "{}") for close in (end, ":")]
    texts += [f"%({key}...)", f"%{{{key}...}}"]
    return any(text in word for word in words for text in texts)


def spelling_of(task: Task, *, strict: bool = False) -> Spelling | None:
    """How the task's words are spelled; None of one that has none, nor texts.

    Raises:
        TemplateError: it is `strict`, and a placeholder has no value.
    """
    words = task.get("words")
    return _spelling(words, task["args"], strict=strict) if words else None


def _spelling(
    words: Mapping[str, Any], args: Mapping[str, Any], *, strict: bool = False
) -> Spelling:
    said, live = words.get("typed") or [], words.get("live") or ()
    texts = flat(words.get("texts") or {})
    later = {key: text for key, text in texts.items() if isinstance(text, str)}
    filled = _places(said, live) if live else {}
    if strict:
        filled = _filled(filled, args, Spelling((), later))
    return Spelling(
        said,
        later,
        skip=live,
        filled=filled,
        silent=words.get("style") == "none",
    )


def texts(task: Task) -> dict[str, str]:
    """Dotted key -> the text of its value, as it was typed where somebody typed it."""
    spelling = spelling_of(task)
    if spelling is None:
        return {key: text_of(value) for key, value in flat(task["args"]).items()}
    return {key: spelling.text_at(key, value) for key, value in flat(task["args"]).items()}


def shown(task: Task) -> list[str]:
    """The words of the next attempt; those behind a worker's command of a task that has none."""
    if "cmd" in task:
        return argv(task)
    spelling = spelling_of(task, strict=True)
    return [] if spelling is None else spelling.of(task["args"])


def _places(words: Sequence[str], live: Sequence[str]) -> dict[int, list[Any]]:
    """The places of the words with a live placeholder, and the parts of each."""
    from labq.command.template import parse_item

    items = [(at, word, parse_item(word, live)) for at, word in enumerate(words)]
    return {at: [item] for at, word, item in items if item != (word,)}


def _filled(
    places: Mapping[int, Sequence[Any]], args: Mapping[str, Any], spelling: Spelling
) -> dict[int, list[str]]:
    """The words that stand at these places for these args."""
    from labq.command.template import Template

    return {at: Template(tuple(items)).filled(args, spelling) for at, items in places.items()}


def argv(task: Task, template: Template | None = None) -> list[str]:
    """The argv of an attempt of the task.

    Args:
        task: with `args`, and `cmd` and `words` where it has them.
        template: the worker's command; None: the task's own.

    Raises:
        TemplateError: a placeholder has no value.
    """
    spelling = spelling_of(task, strict=True)
    if template is not None:
        return template.render(task["args"], spelling)
    from labq.command.template import parse_command

    words = task.get("words") or {}
    if "typed" not in words or spelling is None:
        return parse_command(task["cmd"]).render(task["args"], spelling)
    head = parse_command(task["cmd"], words.get("live") or ()).filled(task["args"], spelling)
    return [*head, *spelling.of(task["args"])]
