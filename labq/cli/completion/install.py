"""`labq completion install`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from labq.cli import options
from labq.cli.completion.scripts import script_for
from labq.cli.output import json_line, note
from labq.errors import StoreError


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", show_default=False)],
    json: options.Json = False,
) -> None:
    """Install the completion script of a shell for yourself, and say what is left to do.

    The places are $XDG_DATA_HOME/bash-completion/completions/labq for bash,
    $XDG_DATA_HOME/zsh/site-functions/_labq for zsh, $XDG_CONFIG_HOME/fish/completions/labq.fish
    for fish.

    Examples:
      labq completion install bash
    """
    script = script_for(shell)
    path, then = _place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
    if json:
        json_line({"shell": shell, "path": str(path)})
    else:
        note(f"wrote {path}; {then}")


def _place(shell: str) -> tuple[Path, str]:
    """Where the shell looks for the script, and what the person still has to do."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if shell == "fish":
        return config / "fish" / "completions" / "labq.fish", "open a new shell"
    if shell == "bash":
        path = data / "bash-completion" / "completions" / "labq"
        return path, f"open a new shell (without bash-completion: add 'source {path}' to ~/.bashrc)"
    path = data / "zsh" / "site-functions" / "_labq"
    lines = f"fpath+=({path.parent}); autoload -Uz compinit; compinit"
    return path, f"put '{lines}' into ~/.zshrc, and open a new shell"
