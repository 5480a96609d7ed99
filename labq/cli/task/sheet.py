"""A file of tasks: a dict of args on each line, laid over what all of them share.

It is read whole, so that it can be checked whole before its first task is stored. With a key, the
same line has the same id in every run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from labq.command.line import for_args, has_places
from labq.command.words import flat, is_loose, parse_document, signature
from labq.errors import ArgsError, TemplateError, UsageError
from labq.model.size import require_room
from labq.model.task import Document, keyed_id, new_id

LONG = 500_000  # bytes of a line: what is shorter is no document too large to be stored


@dataclass(frozen=True)
class Sheet:
    """The tasks of a file; its text is kept and not its tasks, which take ten times the room."""

    draft: Document
    file: str  # - is stdin
    key: tuple[str, str] | None  # what the queue's keys go by, and the key

    @cached_property
    def content(self) -> bytes:
        """What the file holds.

        Raises:
            UsageError: it cannot be read.
        """
        if self.file == "-":
            return sys.stdin.buffer.read()
        try:
            return Path(self.file).read_bytes()
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or error
            raise UsageError(f"--file {self.file}: {told}") from None

    def _lines(self) -> Iterator[tuple[int, str, bytes]]:
        """The number, the place and the text of each line that is not blank."""
        name = "stdin" if self.file == "-" else self.file
        for number, text in enumerate(BytesIO(self.content), start=1):
            if text.strip():
                yield number, f"{name}:{number}", text

    @cached_property
    def _keys(self) -> frozenset[str]:
        """The dotted keys that any line has."""
        return frozenset(
            key for _, where, text in self._lines() for key in flat(_args(text, where))
        )

    def tasks(self) -> Iterator[Document]:
        """A task for each line that is not blank.

        Raises:
            UsageError: a line is no dict of args that can be stored; the message has its number.
        """
        live = has_places(self.draft)
        for number, where, text in self._lines():
            draft, own = self.draft, _args(text, where)
            args = over(draft["args"], own, where)
            if len(text) > LONG:
                _check_size(args, where)
            if live:
                draft = self._live(own, where)
                args = over(draft["args"], own, where)
            identity = new_id() if self.key is None else keyed_id(*self.key, str(number))
            keys = signature(flat(args), loose=is_loose(draft))
            yield {**draft, "_id": identity, "args": args, "args_signature": keys}

    def _live(self, own: Document, where: str) -> Document:
        """The draft whose typed words have the placeholders of the file's keys live."""
        try:
            return for_args(self.draft, own, self._keys)
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from None


def _check_size(args: Document, where: str) -> None:
    """Refuses what a store would refuse when others are stored already."""
    try:
        require_room({"args": args})
    except UsageError as error:
        raise ArgsError(f"{where}: {error}") from None


def _args(text: bytes, where: str) -> Document:
    try:
        return parse_document(text.decode("utf-8-sig").strip(), where)
    except UnicodeDecodeError:
        raise ArgsError(f"{where}: the text is not valid UTF-8") from None


def over(below: Mapping[str, Any], above: Mapping[str, Any], where: str) -> Document:
    """The args of a line laid over those that all lines have.

    Raises:
        ArgsError: one has a value where the other has nested keys.
    """
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        first, second = below[key], above[key]
        if isinstance(first, dict) != isinstance(second, dict):
            raise ArgsError(
                f"{where}: {key} clashes with what all lines have: "
                "one path cannot hold a value and nested keys"
            )
        if isinstance(first, dict):
            merged[key] = over(first, second, f"{where}: {key}")
    return merged
