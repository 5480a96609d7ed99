"""`labq.capture_argparse`: the task's args as values of a parser's options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from itertools import pairwise
from typing import Any

from labq.command.words import flat, text_of, to_flags
from labq.errors import UsageError
from labq.job.arguments import record
from labq.job.context import Books, books
from labq.values.coerce import told

# what ends the program, or hands over to another parser
_OTHERS = (argparse._HelpAction, argparse._VersionAction, argparse._SubParsersAction)  # noqa: SLF001


def capture_argparse(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Has what the parser parses take the task's args, which win over the command line's.

    An arg is an option's by its flag (`--batch-size` is `args["batch-size"]`) or by its place in
    the namespace (`batch_size`); its type, its choices and its action are the parser's. One that an
    arg gives is no longer required. What else there is in the namespace is recorded as
    `summary.config`. It returns the parser; outside of a task it changes nothing.

    Raises:
        UsageError: it is no parser.
        SystemExit: on parsing, as argparse does, a value that its option does not take.
    """
    if not isinstance(parser, argparse.ArgumentParser):
        raise UsageError(f"labq.capture_argparse: give an ArgumentParser, not {told(parser)}")
    if (found := books("capture_argparse")) is None:
        return parser
    values = flat(found.task()["args"])
    given = list(_given(parser, values))
    appended = _by_place(parser, values)
    several = (to_flags({key: value}) for key, value in values.items() if isinstance(value, list))
    lists = {(pair[0], pair[1]) for pair in several if len(pair) > 1}  # no parser reads [3, 4]
    original = parser.parse_known_args

    def parse_known_args(
        args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        needed = {action: action.required for action, _, _ in given}
        for action in needed:
            action.required = False
        try:
            parsed, rest = original(_without(appended, lists, args), namespace)
        finally:
            for action, required in needed.items():
                action.required = required
        for action, option, value in given:
            _put(parser, parsed, action, option, value)
        _record(found, parsed, given)
        return parsed, rest

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign, assignment]
    return parser


Given = tuple[argparse.Action, str, Any]  # an option's action, its spelling if it has one, a value


def _given(parser: argparse.ArgumentParser, args: Mapping[str, Any]) -> Iterator[Given]:
    """The options that the args give."""
    actions = parser._option_string_actions  # noqa: SLF001 - argparse has no other list of them
    places = {
        action.dest: (action, "" if action.nargs == 0 else option)  # the value is the place's own
        for option, action in actions.items()
    }
    for key, value in args.items():
        option = f"--{key}"
        action, option = (
            (actions[option], option) if option in actions else places.get(key, (None, ""))
        )
        if action is not None and value is not None and not isinstance(action, _OTHERS):
            yield action, option, value


def _by_place(parser: argparse.ArgumentParser, args: Mapping[str, Any]) -> set[str]:
    """The flags of args that are options by their place, and so nothing that it could parse."""
    actions = parser._option_string_actions  # noqa: SLF001 - the same
    places = {action.dest for action in actions.values()}
    return {f"--{key}" for key in args if key in places} - actions.keys()


def _without(
    flags: set[str], lists: set[tuple[str, str]], words: Sequence[str] | None
) -> list[str]:
    """The words without these flags and their values, and without these pairs of both."""
    left: list[str] = []
    skip = False
    given = sys.argv[1:] if words is None else list(words)
    pairs = set(pairwise(given)) & lists
    flags = flags | {flag for flag, _ in pairs}
    for word in given:
        value_of_it, skip = skip and not word.startswith("--"), word in flags
        if not (value_of_it or skip or word.partition("=")[0] in flags):
            left.append(word)
    return left


def _put(
    parser: argparse.ArgumentParser, parsed: Any, action: argparse.Action, option: str, value: Any
) -> None:
    """Has the action put a value into the namespace, in place of what is there."""
    setattr(parsed, action.dest, copy(action.default))
    several = isinstance(value, list)
    if action.nargs == 0:
        _flag(parser, parsed, action, option, value)
        return
    appends = isinstance(action, argparse._AppendAction)  # noqa: SLF001
    for one in value if several and appends else [value]:
        words = [*map(text_of, one)] if isinstance(one, list) else [text_of(one)]
        try:
            taken = parser._get_values(action, words)  # noqa: SLF001 - types and choices
            action(parser, parsed, taken, option)
        except argparse.ArgumentError as error:
            parser.error(str(error))


def _flag(
    parser: argparse.ArgumentParser, parsed: Any, action: argparse.Action, option: str, value: Any
) -> None:
    """The same for an option without a value; one known by its place takes the value as it is."""
    opposite = f"--no-{option[2:]}"
    if not option or not isinstance(value, bool):  # a place, or a count
        setattr(parsed, action.dest, value)
    elif value:
        action(parser, parsed, [], option)
    elif opposite in action.option_strings:
        action(parser, parsed, [], opposite)


def _record(found: Books, parsed: Any, given: Sequence[Given]) -> None:
    known = {action.dest for action, _, _ in given}
    record(found, {key: value for key, value in vars(parsed).items() if key not in known})
