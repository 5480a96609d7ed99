"""`labq completion show`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.completion.scripts import script_for
from labq.cli.output import json_line, line


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
    json: options.Json = False,
) -> None:
    """Print the completion script of a shell.

    Examples:
      labq completion show bash > labq.bash
      labq completion show fish > labq.fish
    """
    script = script_for(shell)
    json_line({"shell": shell, "script": script}) if json else line(script.rstrip("\n"))
