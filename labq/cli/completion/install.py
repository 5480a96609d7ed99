"""`labq completion install`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from labq.cli import options
from labq.cli.completion.show import script_for
from labq.cli.output import json_line, note
from labq.errors import StoreError


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
    json: options.Json = False,
) -> None:
    """Install the completion script of a shell for yourself, and say what is left to do.

    Examples:
      labq completion install bash
    """
    script = script_for(shell)
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = {
        "bash": (data / "bash-completion" / "completions" / "labq", "open a new shell"),
        "zsh": (
            data / "zsh" / "site-functions" / "_labq",
            "put 'fpath+=({folder}); autoload -Uz compinit; compinit' into ~/.zshrc, and open a new shell",
        ),
        "fish": (config / "fish" / "completions" / "labq.fish", "open a new shell"),
    }
    path, then = places[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
    if json:
        json_line({"shell": shell, "path": str(path)})
    else:
        note(f"wrote {path}; {then.format(folder=path.parent)}")
