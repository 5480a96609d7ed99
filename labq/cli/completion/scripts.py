"""The completion scripts, written from the command tree."""

from __future__ import annotations

from labq.cli.completion import bash, fish, zsh
from labq.cli.completion.words import SHELLS, described
from labq.errors import UsageError

WRITERS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}


def script_for(shell: str) -> str:
    """The completion script of a shell.

    Raises:
        UsageError: labq has none for it.
    """
    if shell not in WRITERS:
        raise UsageError(f"no completion for {shell!r} (there are: {', '.join(SHELLS)})")
    return WRITERS[shell](described())
