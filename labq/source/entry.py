"""Which word of a command is its script."""

from __future__ import annotations

from collections.abc import Sequence
from os import path as paths


def script_at(words: Sequence[str], folder: str) -> int:
    """The place of the script: the first file among the words but the first, or what follows `-m`.

    0 where there is none: the program itself.
    """
    return next(
        (
            at
            for at, word in enumerate(words)
            if at and (words[at - 1] == "-m" or paths.isfile(paths.join(folder, word)))
        ),
        0,
    )


def entry_point(words: Sequence[str], folder: str) -> str | None:
    """The script as the command has it, `-m MODULE` for a module; None where it names none."""
    at = script_at(words, folder)
    if at:
        return f"-m {words[at]}" if words[at - 1] == "-m" else words[at]
    local = words and "/" in words[0] and paths.isfile(paths.join(folder, words[0]))
    return words[0] if local else None
