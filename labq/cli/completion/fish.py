"""The completion script for fish, 3.0 and later."""

from __future__ import annotations

from collections.abc import Iterator

from labq.cli.completion.words import Command, Option

SCRIPT = """\
# Written by `labq completion show fish`: do not edit.

function __labq_at --description 'Whether the words so far lead to this command'
    set -l words (commandline -opc)
    set -l path
    set -l value
    for word in $words[2..-1]
        if set -q value[1]
            set -e value
        else if contains -- $word @VALUED@
            set value $word
        else if test "$word" = --
            set -a path --
            break
        else if not string match -q -- '-*' $word; and contains -- "$path" @GROUPS@
            set -a path $word
        end
    end
    test "$path" = "$argv"
end

function __labq_job --description 'What may follow in the command after --'
    set -l words (commandline -opc)
    set -l first (math (contains -i -- -- $words) + 1)
    complete -C (string join ' ' -- (string escape -- $words[$first..-1]) (commandline -ct))
end

@LINES@
"""


def script(tree: list[Command]) -> str:
    """The script for this tree: one line for each command and option."""
    options = [option for command in tree for option in command.options]
    valued = sorted({name for option in options if option.value for name in option.names})
    groups = [_quoted(" ".join(command.path)) for command in tree if command.children]
    text = SCRIPT.replace("@VALUED@", " ".join(valued)).replace("@GROUPS@", " ".join(groups))
    return text.replace("@LINES@", "\n".join(line for command in tree for line in _lines(command)))


def _lines(command: Command) -> Iterator[str]:
    here = f"complete -c labq -n {_quoted(' '.join(('__labq_at', *command.path)))}"
    for child, about in command.children.items():
        yield f"{here} -f -a {child} -d {_quoted(about)}"
    if command.choices:
        yield f"{here} -f -a {_quoted(' '.join(command.choices))}"
    elif not command.takes and not command.children:
        yield f"{here} -f"
    for option in command.options:
        yield f"{here} {_option(option)}"
    if command.runs:
        path = " ".join((*command.path, "--"))
        yield f"complete -c labq -n '__labq_at {path}' -f -a '(__labq_job)'"


def _option(option: Option) -> str:
    names = " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    )
    value = ""
    if option.value:
        value = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -rF"
    return f"{names}{value} -d {_quoted(option.about)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
