"""Which word of a command is its script, and what of it are args."""

from __future__ import annotations

from collections.abc import Sequence
from os import path as paths
from typing import Any

from labq.args import parse_tokens
from labq.errors import ArgsError


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


def parted(words: Sequence[str], folder: str) -> tuple[list[str], dict[str, Any]]:
    """The command without the flags after its script, and these as args.

    Where they are not all `--key value`, or one of them is repeated, all of it is the command. The
    script is as `script_at` has it.
    """
    at = script_at(words, folder)
    try:
        args, warnings = parse_tokens(words[at + 1 :])
    except ArgsError:
        return list(words), {}
    return (list(words), {}) if warnings else (list(words[: at + 1]), args)
