"""The paths of a command, in the tree that its task came from instead of where it was recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import path as paths
from typing import Any

from labq.source.entry import PATH, SCRIPTS, program_end
from labq.source.git import GitError


class Misplaced(GitError):  # noqa: N818 - what its script is
    """The script of the command is not in what was recorded."""


@dataclass(frozen=True)
class Relocation:
    """From the repository as it was to its rebuilt tree.

    Only the program moves: the words up to its script, `-m MODULE`, the script that such a module
    runs, or `-c TEXT`, and PYTHONPATH.
    What stands behind them is the task's to say.
    """

    root: str  # the top of the repository, where the task was submitted; "" where it is not known
    links: Mapping[str, str]  # words that lead into it by another name, and where, from the top
    tree: str
    folder: str | None  # of the job; below the tree, unless it was submitted from elsewhere

    @classmethod
    def of(cls, source: Mapping[str, Any], tree: str, folder: str | None) -> Relocation:
        """That of a task's source, for a job that runs in the folder."""
        return cls(source.get("root", ""), source.get("links", {}), tree, folder)

    def argv(self, words: Sequence[str]) -> list[str]:
        """The command.

        Raises:
            Misplaced: its script is outside of the repository, or was not recorded with it.
        """
        end = program_end(words, lambda word: self._file(word) is not None)
        moved = [self._within(word) for word in words[1 : end + 1]]
        is_script = end and not re.fullmatch("-m|-[a-z]*c", words[end - 1])
        if is_script:
            moved[-1] = self._script(words[end])
        first = self._script if not end and words[0].endswith(SCRIPTS) else self._program
        return [first(words[0]), *moved, *words[end + 1 :]]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables, with PYTHONPATH in the tree."""
        found = variables.get("PYTHONPATH")
        if not found:
            return dict(variables)
        parts = [self._within(part) if paths.isabs(part) else part for part in found.split(":")]
        return {**variables, "PYTHONPATH": ":".join(parts)}

    def _place(self, word: str) -> str | None:
        """Where a path leads, from the top of the repository; None where it leads elsewhere."""
        if word in self.links:
            return self.links[word]
        if not paths.isabs(word):
            inside = self.folder is not None and _below(self.folder, self.tree) is not None
            return _below(paths.join(self.folder or "", word), self.tree) if inside else None
        place = _below(word, self.root) if self.root else None
        if place is None and self.root and paths.exists(word):  # by another name on this machine
            place = _below(paths.realpath(word), paths.realpath(self.root))
        return place

    def _file(self, word: str) -> str | None:
        """The file in the tree that a path leads to, if there is one."""
        place = self._place(word) if "/" in word or word in self.links else None
        path = paths.join(self.tree, place) if place is not None else ""
        return path if path and paths.isfile(path) else None

    def _program(self, word: str) -> str:
        place = self._place(word) if paths.isabs(word) or word in self.links else None
        if place is None:
            return word
        path = paths.join(self.tree, place)
        if not paths.exists(path):
            if paths.basename(paths.dirname(place)) == "bin":  # of an environment: no code
                return word
            raise self._missing(word)
        return path

    def _script(self, word: str) -> str:
        place = self._place(word)
        if place is None:
            if not paths.isabs(word) and self.folder is None:
                return word
            raise Misplaced(
                f"its script {word} is outside of the repository that was recorded"
                f"{f' ({self.root})' if self.root else ''}: name it by a path in that, such as "
                f"python {paths.basename(word)}, or run it without --checkout"
            )
        path = paths.join(self.tree, place)
        if not paths.exists(path):
            raise self._missing(word)
        if _below(paths.realpath(path), paths.realpath(self.tree)) is None:
            raise Misplaced(f"its script {word} is a link that leads out of the repository")
        return path if paths.isabs(word) or word in self.links else word

    @staticmethod
    def _missing(word: str) -> Misplaced:
        return Misplaced(f"{word} was not recorded with it: git ignores it, or it was left out")

    def _within(self, text: str) -> str:
        """A text with the paths in it that are in the tree as they are there."""
        if paths.isabs(text) and (place := self._place(text)) is not None:
            path = paths.normpath(paths.join(self.tree, place))
            return path if paths.exists(path) else text
        if not self.root or self.root == "/":
            return text

        def moved(found: re.Match[str]) -> str:
            place = self._place(found[0])
            path = paths.normpath(paths.join(self.tree, place)) if place is not None else ""
            return path if path and paths.exists(path) else found[0]

        return PATH.sub(moved, text)


def _below(path: str, top: str) -> str | None:
    """The path from the top; None where it is not below it."""
    found = paths.relpath(paths.normpath(path), top)
    return None if found == os.pardir or found.startswith(f"{os.pardir}/") else found
