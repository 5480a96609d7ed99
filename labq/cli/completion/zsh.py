"""The completion script for zsh: a file `_labq` for a folder of `fpath`, or to be sourced."""

from __future__ import annotations

from labq.cli.completion.words import Command, Option

SCRIPT = """\
#compdef labq
# Written by `labq completion show zsh`: do not edit.

@FUNCTIONS@
if [[ $funcstack[1] == _labq ]]; then
  _labq "$@"
else
  compdef _labq labq
fi
"""
GROUP = """\
@NAME@() {
  local curcontext=$curcontext state line
  local -a known=(
    @COMMANDS@
  )
  _arguments -C \\
    @OPTIONS@ \\
    '1: :->command' \\
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      @CASES@
    esac ;;
  esac
}
"""
LEAF = """\
@NAME@() {
  _arguments -S \\
    @OPTIONS@
}
"""


def script(tree: list[Command]) -> str:
    """The script for this tree: one function for each command."""
    return SCRIPT.replace("@FUNCTIONS@", "\n".join(_function(command) for command in tree))


def _function(command: Command) -> str:
    name = "_".join(("_labq", *command.path))
    specs = [_spec(option) for option in command.options]
    if command.takes:
        specs.append(_rest(command))
    text = (GROUP if command.children else LEAF).replace("@NAME@", name)
    cases = (f"{child}) {name}_{child} ;;" for child in command.children)
    pairs = (_quoted(f"{child}:{about}") for child, about in command.children.items())
    text = text.replace("@OPTIONS@", " \\\n    ".join(specs))
    return text.replace("@CASES@", "\n      ".join(cases)).replace(
        "@COMMANDS@", "\n    ".join(pairs)
    )


def _spec(option: Option) -> str:
    """What `_arguments` takes of an option: `'(-q --quiet)'{-q,--quiet}'[...]'`."""
    names = [name + _sign(name) * bool(option.value) for name in option.names]
    value = ""
    if option.value:
        action = f"({' '.join(option.choices)})" if option.choices else "_files"
        value = f":{_escaped(option.value)}:{action}"
    before = "*" if option.repeats else f"({' '.join(option.names)})" if len(names) > 1 else ""
    told = f"[{_escaped(option.about)}]{value}"
    if len(names) == 1:
        return _quoted(f"{before}{names[0]}{told}")
    return f"{_quoted(before)}{{{','.join(names)}}}{_quoted(told)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "[]:\\" else char for char in text)


def _sign(name: str) -> str:
    """How a value may be joined to the option's name."""
    return "=" if name.startswith("--") else "+"


def _rest(command: Command) -> str:
    """What `_arguments` takes of the words that are no options."""
    if command.runs:
        return "'*::command:_normal'"
    if command.choices:
        return f"'1:choice:({' '.join(command.choices)})'"
    return "'*:file:_files'"
