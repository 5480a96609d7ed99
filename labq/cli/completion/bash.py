"""The completion script for bash, 3.2 and later: macOS ships that one."""

from __future__ import annotations

from labq.cli.completion.words import STATUSES, Command

SCRIPT = """\
# Written by `labq completion show bash`: do not edit.

_labq() {
  local cur=${COMP_WORDS[COMP_CWORD]} path='' value='' rest='' word words=''
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $value && $word == '=' ]]; then continue; fi # --option=value comes as three words
    if [[ -n $value ]]; then value=''; continue; fi
    if [[ -n $rest ]]; then return; fi # what files complete, see the end
    case $word in
      --) rest=yes ;;
      @VALUED@) value=$word ;;
      -*) ;;
      *) case $path in
        @GROUPS@) path="${path:+$path }$word" ;;
      esac ;;
    esac
  done
  if [[ -n $value && $cur == '=' ]]; then cur=''; fi
  case $value:$rest in
    -s:|--status:) words='@STATUSES@' ;;
    :yes) if [[ $path == '@RUNS@' ]]; then COMPREPLY=($(compgen -c -- "$cur")); fi ;;
    :) case $path:$cur in
@CASES@
    esac ;;
  esac
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}

# -o default: files, where the function has nothing to offer.
complete -o default -F _labq labq
"""


def script(tree: list[Command]) -> str:
    """The script for this tree."""
    options = [option for command in tree for option in command.options]
    valued = sorted({name for option in options if option.value for name in option.names})
    filled = {
        "@VALUED@": "|".join(valued),
        "@GROUPS@": "|".join(_pattern(command) for command in tree if command.children),
        "@STATUSES@": " ".join(STATUSES),
        "@RUNS@": next(" ".join(command.path) for command in tree if command.runs),
        "@CASES@": "\n".join(_case(command) for command in tree),
    }
    text = SCRIPT
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


def _pattern(command: Command) -> str:
    return f"'{' '.join(command.path)}'"


def _case(command: Command) -> str:
    """Options after a dash; else what may follow, and where nothing else may, the options again."""
    path = " ".join(command.path)
    options = " ".join(name for option in command.options for name in option.names)
    words = " ".join([*command.children, *command.choices])
    if not words:
        pattern = f"'{path}':-*" if command.takes else f"'{path}':*"
        return f"      {pattern}) words='{options}' ;;"
    return f"      '{path}':-*) words='{options}' ;;\n      '{path}':*) words='{words}' ;;"
