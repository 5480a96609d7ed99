"""What can be typed: the command tree as the completion scripts need it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from labq.cli.commands import TREE, build, commands
from labq.model.task import Status

SHELLS = ("bash", "zsh", "fish")
STATUSES = tuple(str(status) for status in Status)


@dataclass(frozen=True)
class Option:
    """One option of a command.

    `value` names what follows it, in capitals, and is empty for a flag; `choices` are all the
    values there are, where they are known.
    """

    names: tuple[str, ...]
    about: str
    value: str = ""
    choices: tuple[str, ...] = ()
    repeats: bool = False


@dataclass(frozen=True)
class Command:
    """A command or a group: the words that lead to it and what may follow."""

    path: tuple[str, ...]
    children: dict[str, str]  # name -> summary, of a group
    options: tuple[Option, ...]
    takes: bool = False  # whether words that are no options may follow
    choices: tuple[str, ...] = ()  # all of those, where they are known
    runs: bool = False  # whether what follows -- is a command of the shell's


HELP = Option(("--help",), "Show this message and exit.")
VERSION = Option(("--version",), "Show the version and exit.")


def described() -> list[Command]:
    """The whole tree, the root first."""
    summaries = {name: entry.summary for name, entry in TREE.entries.items()}
    found = [Command((), summaries, (VERSION, HELP))]
    for path, entry in commands():
        children = {name: child.summary for name, child in entry.entries.items()}
        params = [] if children else build(path[-1], entry).params
        options = tuple(_option(param) for param in params if param.param_type_name == "option")
        found.append(
            Command(
                path,
                children,
                (*options, HELP),
                takes=len(params) > len(options),
                choices=_choices(path),
                runs=path == ("worker", "run"),
            )
        )
    return found


def _option(param: object) -> Option:
    """An option of typer's."""
    names = tuple(getattr(param, "opts", ()))
    flag = bool(getattr(param, "is_flag", False))
    return Option(
        names,
        str(getattr(param, "help", None) or ""),
        "" if flag else str(getattr(param, "metavar", None) or "VALUE"),
        STATUSES if "--status" in names else (),
        bool(getattr(param, "multiple", False)),
    )


def _choices(path: tuple[str, ...]) -> tuple[str, ...]:
    """The words that may follow a command, where they are known."""
    if path in {("completion", "show"), ("completion", "install")}:
        return SHELLS
    return tuple(topics()) if path == ("guide",) else ()


def topics() -> Iterator[str]:
    """The topics of `labq guide`, in order."""
    folder = resources.files("labq") / "guide"
    names = sorted(page.name for page in folder.iterdir()) if folder.is_dir() else []
    return (name.removesuffix(".md") for name in names if name.endswith(".md"))
