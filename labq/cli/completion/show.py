"""`labq completion show`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.completion.scripts import SHELLS
from labq.cli.output import json_line, line
from labq.errors import UsageError


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
    json: options.Json = False,
) -> None:
    """Print the completion script of a shell.

    Examples:
      source <(labq completion show bash)
    """
    script = script_for(shell)
    json_line({"shell": shell, "script": script}) if json else line(script.rstrip("\n"))


def script_for(shell: str) -> str:
    """The completion script of a shell.

    Raises:
        UsageError: labq has none for it.
    """
    if shell not in SHELLS:
        raise UsageError(f"no completion for {shell!r} (there are: {', '.join(SHELLS)})")
    return SHELLS[shell]()
