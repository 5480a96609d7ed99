"""Which word of a command is its script, and what of it are args."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from os import path as paths

SCRIPTS = (".py", ".sh", ".bash", ".R", ".r", ".jl", ".pl", ".rb", ".js")
PYTHON = re.compile(r"(python|pypy)[0-9.]*t?")
SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "fish"})
INTERPRETERS = SHELLS | {"Rscript", "julia", "perl", "ruby", "node"}
PATH = re.compile(r"(?<![\w./-])/[^\s\"';:,&|<>()$`]+")  # an absolute one, in a shell's text
RUNNERS = frozenset(  # modules that run the script behind them
    [
        *("cProfile", "profile", "trace", "pdb", "ipdb", "pudb", "debugpy", "coverage"),
        *("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"),
        *("deepspeed.launcher.runner", "kernprof", "line_profiler", "memory_profiler", "mpi4py"),
        *("scalene", "viztracer", "pyinstrument", "memray", "IPython", "runpy"),
    ]
)
VALUED = ("-X", "-W", "-o", "-O")  # options of interpreters whose value is the next word


def is_python(word: str) -> bool:
    """Whether a word of a command names a Python."""
    return PYTHON.fullmatch(paths.basename(word)) is not None


def is_interpreter(word: str) -> bool:
    """Whether it names a program that runs the script behind it."""
    return is_python(word) or paths.basename(word) in INTERPRETERS


def program_end(words: Sequence[str], is_file: Callable[[str], bool]) -> int:
    """The place of the script, of what follows `-m` or `-c`; 0 where the first word is all of it.

    A script is told by its ending, by a `/` behind an interpreter, or by `is_file`. A module may be
    one that runs a script, as `-m cProfile` does.
    """
    for at, word in enumerate(words[1:], start=1):
        before = words[at - 1]
        if before == "-m":
            return _run_by_module(words, at)
        if re.fullmatch("-[a-z]*c", before):
            return at
        if word.startswith("-") or before in VALUED:
            continue
        if word.endswith(SCRIPTS) or is_file(word):
            return at
        if "/" in word and any(map(is_interpreter, words[:at])):
            return at
    return 0


def _run_by_module(words: Sequence[str], at: int) -> int:
    """The place of the script that a module runs, if it is one that does; else the module's."""
    behind = range(at + 1, len(words)) if words[at] in RUNNERS else ()
    return next((place for place in behind if words[place].endswith(".py")), at)


def _file(folder: str, word: str) -> str | None:
    """The file that a word names, or of the folder that it names the one that Python runs."""
    path = paths.join(folder, word)
    found = paths.join(path, "__main__.py") if paths.isdir(path) else path
    return found if paths.isfile(found) else None


def script_at(words: Sequence[str], folder: str) -> int:
    """The place of the script: the first file among the words but the first, or what follows `-m`.

    0 where there is none: the program itself.
    """
    return next(
        (
            at
            for at, word in enumerate(words)
            if at and (words[at - 1] == "-m" or _file(folder, word))
        ),
        0,
    )


def script_of(words: Sequence[str], folder: str) -> str | None:
    """The file of the script, where a command runs one and not a module or a program as such."""
    at = script_at(words, folder)
    if at and words[at - 1] == "-m":
        at = _run_by_module(words, at)
        if words[at - 1] == "-m":
            return None
    if not at and any(paths.basename(word) in SHELLS for word in words):
        return _named_in_text(words)
    path = _file(folder, words[at]) if words else None
    if path is None or (not at and ("/" not in words[0] or is_interpreter(words[0]))):
        return None
    runs = path.endswith(SCRIPTS) or os.access(path, os.X_OK)
    return path if runs or any(map(is_interpreter, words[:at])) else None


def _named_in_text(words: Sequence[str]) -> str | None:
    """The first script in the text of a shell's `-c` that is named by an absolute path."""
    texts = (words[at] for at in range(1, len(words)) if re.fullmatch("-[a-z]*c", words[at - 1]))
    named = (path for text in texts for path in PATH.findall(text) if path.endswith(SCRIPTS))
    return next(filter(paths.isfile, named), None)


def entry_point(words: Sequence[str], folder: str) -> str | None:
    """The script as the command has it, `-m MODULE` for a module; None where it names none."""
    at = script_at(words, folder)
    if at:
        return f"-m {words[at]}" if words[at - 1] == "-m" else words[at]
    local = words and "/" in words[0] and paths.isfile(paths.join(folder, words[0]))
    return words[0] if local else None
