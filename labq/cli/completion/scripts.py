"""Completion scripts for bash, zsh and fish, written from the command tree."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labq.cli.tree import TREE, build, commands
from labq.task import Status

HEAD = "# Written by `labq completion show {shell}`: do not edit."
VALUES = {"--status": tuple(str(status) for status in Status)}


@dataclass(frozen=True)
class Option:
    """One option of a command: its spellings, its help, whether a value follows, and which."""

    names: tuple[str, ...]
    about: str
    takes_value: bool
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A command or a group: the words that lead to it, what may follow."""

    path: tuple[str, ...]
    children: dict[str, str]  # name -> summary
    options: tuple[Option, ...] = ()
    shells: bool = False  # whether the argument is a shell's name


HELP = Option(("--help",), "Show this message and exit.", takes_value=False)


def described() -> Iterator[Command]:
    """The whole tree, the root first."""
    version = Option(("--version",), "Show the version and exit.", takes_value=False)
    yield Command((), {name: entry.summary for name, entry in TREE.entries.items()}, (version, HELP))
    for path, entry in commands():
        if entry.entries:
            yield Command(path, {name: child.summary for name, child in entry.entries.items()}, (HELP,))
        else:
            options = tuple(
                Option(
                    tuple(param.opts),
                    param.help or "",
                    not param.is_flag,
                    next((VALUES[name] for name in param.opts if name in VALUES), ()),
                )
                for param in build(path[-1], entry).params
                if param.opts[0].startswith("-")
            )
            yield Command(path, {}, (*options, HELP), shells=path[0] == "completion")


def _bash_case(command: Command) -> str:
    words = [*command.children, *(name for option in command.options for name in option.names)]
    words += list(SHELLS) if command.shells else []
    return f"    '{' '.join(command.path)}') words={shlex.quote(' '.join(words))} ;;"


def _with_value(command: Command) -> str:
    return "|".join(name for option in command.options if option.takes_value for name in option.names)


def bash() -> str:
    """The script for bash 4 and later."""
    tree = list(described())
    cases = "\n".join(_bash_case(command) for command in tree)
    groups = "|".join(f"'{' '.join(command.path)}'" for command in tree if command.children)
    valued = "|".join(sorted({name for c in tree for name in _with_value(c).split("|") if name}))
    return f"""{HEAD.format(shell="bash")}
_labq() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path='' skip='' word words=''
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      --) compopt -o default; return ;;
      {valued}) skip=1 ;;
      -*) ;;
      *) case $path in {groups}) path="${{path:+$path }}$word" ;; esac ;;
    esac
  done
  case $prev in
    -s|--status) mapfile -t COMPREPLY < <(compgen -W '{" ".join(VALUES["--status"])}' -- "$cur"); return ;;
  esac
  if [[ -n $skip ]]; then compopt -o default; return; fi
  case $path in
{cases}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -F _labq labq
"""


def _zsh_option(option: Option) -> Iterator[str]:
    """`_arguments` specs: every spelling may come again, since most options repeat."""
    about = option.about.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    value = (f":value:({' '.join(option.values)})" if option.values else ":value:_files") * option.takes_value
    for name in option.names:
        yield shlex.quote(f"*{name}[{about}]{value}")


def _zsh_function(command: Command) -> str:
    name = "_".join(("_labq", *command.path))
    specs = [spec for option in command.options for spec in _zsh_option(option)]
    if not command.children:
        rest = f"'*:shell:({' '.join(SHELLS)})'" if command.shells else "'*:argument:_files'"
        lines = " \\\n    ".join([*specs, rest])
        return f"{name}() {{\n  _arguments -S \\\n    {lines}\n}}\n"
    names = " ".join(shlex.quote(f"{child}:{about}") for child, about in command.children.items())
    cases = "\n".join(f"      {child}) {name}_{child} ;;" for child in command.children)
    lines = " \\\n    ".join([*specs, "'1: :->command'", "'*:: :->rest'"])
    return f"""{name}() {{
  local state line
  _arguments -C \\
    {lines}
  case $state in
    command) local -a known=({names}); _describe command known ;;
    rest) case $line[1] in
{cases}
    esac ;;
  esac
}}
"""


def zsh() -> str:
    """The script for zsh: a function `_labq` for a folder of `fpath`."""
    functions = "\n".join(_zsh_function(command) for command in described())
    return f'#compdef labq\n{HEAD.format(shell="zsh")}\n\n{functions}\nif [[ $funcstack[1] = _labq ]]; then _labq "$@"; else compdef _labq labq; fi\n'


def _fish_lines(command: Command) -> Iterator[str]:
    here = shlex.quote(f"__labq_at {' '.join(command.path)}".strip())
    for child, about in command.children.items():
        yield f"complete -c labq -n {here} -f -a {child} -d {_fish(about)}"
    if command.shells:
        yield f"complete -c labq -n {here} -f -a '{' '.join(SHELLS)}'"
    for option in command.options:
        flags = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
        value = " -r" if option.takes_value else ""
        values = f" -f -a {shlex.quote(' '.join(option.values))}" if option.values else ""
        yield f"complete -c labq -n {here} {flags}{value}{values} -d {_fish(option.about)}"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish() -> str:
    """The script for fish 3 and later."""
    tree = list(described())
    lines = "\n".join(line for command in tree for line in _fish_lines(command))
    groups = " ".join(shlex.quote(" ".join(command.path)) for command in tree if command.children)
    return f"""{HEAD.format(shell="fish")}
function __labq_at --description 'Whether the words so far lead to this command'
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '--' $word; and return 1
        string match -q -- '-*' $word; and continue
        contains -- "$path" {groups}; and set path (string trim -- "$path $word")
    end
    test "$path" = "$argv"
end
{lines}
"""


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
