"""Which words of a command a shell or another interpreter reads as a program.

A value from a task's args must never stand in such a word, for it would run. The text behind
`sh -c` is one; so are what `ssh` joins for the shell at its other end, and a word that begins with
the value where `python` still reads options. `sh -c TEXT sh VALUE` is safe, and stays allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath

VALUE = "\0"  # stands for a value in a word; no word of a command can hold it


class Role(Enum):
    """What an interpreter takes a value to be."""

    TEXT = "text"  # a program, or a part of one
    OPTION = "option"  # an option, if the value begins with a dash
    FILE = "file"  # the name of a program's file, or a part of that


@dataclass(frozen=True)
class Reading:
    """The first place where a program is read out of a value."""

    at: int  # of the word
    program: str  # who reads it
    role: Role
    is_shell: bool = False


@dataclass(frozen=True)
class Interpreter:
    """The options of an interpreter, letters and long names, each with a value of its own."""

    text: frozenset[str] = frozenset()  # the value is a program
    last: frozenset[str] = frozenset()  # the value names the program, and ends the options
    other: frozenset[str] = frozenset()
    ends: bool = False  # whether a text ends the options as well
    first: bool = False  # whether the first word that is no option is a program (awk)
    flag: str = ""  # the option that makes it one: a shell's -c


def _options(
    text: str, last: str = "", other: str = "", *, ends: bool = False, first: bool = False
) -> Interpreter:
    given, named, valued = (frozenset(names.split()) for names in (text, last, other))
    return Interpreter(given, named, valued, ends=ends, first=first)


_SHELL = Interpreter(other=frozenset({"o", "O", "rcfile", "init-file"}), flag="c")
SHELLS = dict.fromkeys(
    [
        *("sh", "bash", "rbash", "dash", "ash", "ksh", "mksh", "zsh", "csh", "tcsh", "yash"),
        *("osh", "ysh", "elvish"),
    ],
    _SHELL,
)
SHELLS["fish"] = _options("c C command init-command", other="d D o f debug features")
_PYTHON = _options("c", "m", "W X check-hash-based-pycs", ends=True)
SHELLS["nu"] = _options("c e commands execute", other="I m")
_NODE = _options("e p eval print", other="r C require import loader conditions env-file")
_R = _options("e", "f file", "g gui")
_AWK = _options("e source", "f file", "v F assign field-separator", first=True)
INTERPRETERS = {
    **SHELLS,
    **dict.fromkeys(("python", "pypy", "ipython", "xonsh"), _PYTHON),
    **dict.fromkeys(("node", "nodejs", "bun", "ts-node", "tsx"), _NODE),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    **dict.fromkeys(("R", "Rscript"), _R),
    "perl": _options("e E", other="I M m"),
    "ruby": _options("e", other="r I C E"),
    "lua": _options("e", other="l"),
    "luajit": _options("e", other="l"),
    "julia": _options("e E eval print", other="t p J L H C threads procs sysimage load"),
    "php": _options("r B R E run", "f file", "c d"),
    "octave": _options("eval"),
    "matlab": _options("r batch"),
    "osascript": _options("e", other="l"),
    "gnuplot": _options("e"),
    "sed": _options("e expression", "f file", "l", first=True),
    "expect": _options("c"),
    "gdb": _options("ex eval-command iex", "x command", "p"),
    "emacs": _options("eval f funcall e execute", "l load script"),
    **dict.fromkeys(("vi", "vim", "nvim"), _options("c cmd", "S")),
    "psql": _options("c command", "f file", "d h p U v"),
    "mysql": _options("e execute", other="D h P u"),
}
# The modules that read what stands behind `-m NAME` as a program.
MODULES = {
    "timeit": _options("s setup", other="n number r repeat u unit", first=True),
    **dict.fromkeys(("IPython", "ptpython", "bpython"), _PYTHON),
    **dict.fromkeys(("pdb", "ipdb"), _options("c command", "m")),
}
# These hand all of their words to a shell, as one text.
JOINING = frozenset(
    [
        *("ssh", "rsh", "autossh", "mosh", "pdsh", "clush", "watch", "bsub", "parallel", "sem"),
        *("tmux", "eval", "sg", "hyperfine", "pwsh", "powershell"),
    ]
)
# These start the command in their words; some take shell text as well: the options for that, and
# how many words that are no options may stand before them.
LAUNCHERS: dict[str, tuple[frozenset[str], int]] = {
    **dict.fromkeys(
        (
            *("nice", "nohup", "time", "timeout", "stdbuf", "setsid", "ionice", "chrt", "taskset"),
            *("numactl", "sudo", "doas", "xargs", "srun", "command", "builtin", "exec", "busybox"),
            *("sshpass", "deno", "proxychains", "unbuffer", "dbus-run-session", "xvfb-run"),
            *("if", "then", "elif", "else", "while", "until", "do", "!", "{"),  # of a shell text
        ),
        (frozenset(), 0),
    ),
    **dict.fromkeys(("su", "runuser", "script", "flock"), (frozenset({"c", "command"}), 1)),
    "env": (frozenset({"S", "split-string"}), 0),
    "entr": (frozenset({"s"}), 0),
    "git": (frozenset({"c"}), 0),  # an alias and a pager are shell text
    "npx": (frozenset({"c", "call"}), 0),
    "npm": (frozenset({"c", "call"}), 1),
    "sbatch": (frozenset({"wrap"}), 9),  # words of options before it; none behind a script
}
# Their options whose value is the next word, by their letters.
VALUED = {
    "sudo": "ughpCrtTUDR",
    "doas": "uC",
    "timeout": "ks",
    "nice": "n",
    "ionice": "cnp",
    "env": "uC",
    "xargs": "IinPdELsa",
    "stdbuf": "ioe",
    "sshpass": "pfde",
    "time": "fo",
    "srun": "nNpctJAwxGqDeiomCk",
    "xvfb-run": "efnps",
}
_SCRIPT = re.compile(r".+\.(py|sh|bash|zsh|fish|R|jl|pl|rb|js|lua|m)")
_NAME = re.compile(r"-?([A-Za-z]+|[!{])[-\d.]*(?:\0.*)?", re.DOTALL)


def reading(words: Sequence[str], *, files: bool = False) -> Reading | None:
    """Where a command reads a program out of a VALUE in its words, or None.

    Args:
        words: the command; VALUE stands for each value.
        files: whether the name of the program's file counts too.
    """
    at, leads = 0, True  # whether nothing but launchers, their options and variables came before
    valued: AbstractSet[str] = frozenset()  # the last launcher's options that have one
    while at < len(words):
        word = words[at]
        name = _name(word)
        if name in INTERPRETERS:
            scan = _Scan(INTERPRETERS[name], words, leads=leads, files=files)
            role = scan.run(at + 1)
            if role is not None:
                return Reading(scan.at, name, role, name in SHELLS)
            if scan.is_file:
                return None
            at, leads = scan.at, False
            continue
        if leads and name in JOINING:
            values = (place for place in range(at + 1, len(words)) if VALUE in words[place])
            return next((Reading(place, name, Role.TEXT) for place in values), None)
        if leads and name in LAUNCHERS:
            found = _launched(name, words, at + 1)
            if found is not None:
                return found
            valued = {f"-{letter}" for letter in VALUED.get(name, "")}
        elif leads and word in valued:
            at += 1
        elif _SCRIPT.fullmatch(word) and not word.startswith("-"):
            break
        leads = leads and (name in LAUNCHERS or re.match(r"[-+]|\w+=|\d", word) is not None)
        at += 1
    return None


def _name(word: str) -> str:
    """The program's name without its folder and version: `python` of `/usr/bin/python3.11`."""
    name = PurePath(word).name
    found = _NAME.fullmatch(name)
    return found[1] if found else name if name in INTERPRETERS or name in LAUNCHERS else ""


def _launched(name: str, words: Sequence[str], at: int) -> Reading | None:
    """A launcher's own text in which a value stands, such as that of `su USER -c TEXT`."""
    texts, room = LAUNCHERS[name]
    while texts and at < len(words):
        word = words[at]
        if word.startswith(VALUE):
            return Reading(at, name, Role.OPTION, is_shell=True)
        if not word.startswith("-"):
            room -= 1
            if room < 0 or _SCRIPT.fullmatch(word):
                return None
        option, has_value, _ = word.lstrip("-").partition("=")
        letters = word[1:] if not word.startswith("--") else ""
        letter = next((one for one in letters if one in texts), "") if letters.isalpha() else ""
        letter = letter or letters[:1]
        if word.startswith("-") and (option in texts or (letter and letter in texts)):
            own = has_value or (letter and not letters.endswith(letter))
            place = at if own else at + 1
            if place < len(words) and VALUE in words[place]:
                return Reading(place, name, Role.TEXT, is_shell=True)
            at = place
        at += 1
    return None


class _Scan:
    """One look at an interpreter's words; `at` is where it ended."""

    def __init__(
        self, kind: Interpreter, words: Sequence[str], *, leads: bool, files: bool
    ) -> None:
        self._kind, self._words, self._leads, self._files = kind, words, leads, files
        self._due = kind.first  # whether the first word that is no option is a program
        self._given = False  # whether an option gave the program
        self.is_file = False  # whether the program is a file: what follows is its own affair
        self.at = 0

    def run(self, start: int) -> Role | None:
        """What the interpreter takes a value to be, at `at`; None if it takes none for a program.

        A command that only mentions the interpreter (`train --shell bash`) has no text behind it:
        where it does not lead, only a text counts.
        """
        self.at = start
        while self.at < len(self._words):
            word = self._words[self.at]
            if word in ("--", "--args"):
                self.at += 1
                return self._program(closed=True)
            if not word.startswith(("-", "+")) or word in ("-", "+"):
                break
            role = self._option(word)
            if role is not None or self.is_file:
                return role
            self.at += 1
            if self._given and self._kind.ends:
                return None
        return self._program(closed=False)

    def _program(self, *, closed: bool) -> Role | None:
        """The first word that is no option; `closed` if nothing behind can be one."""
        if self.at >= len(self._words):
            return None
        word = self._words[self.at]
        if self._due and not self._given:
            self.at += 1
            return self._role(Role.TEXT, self.at - 1)
        self.is_file = not self._given
        if word.startswith(VALUE) and not closed and (self._leads or self._given):
            return Role.OPTION
        counts = self._files and self._leads and self.is_file
        return self._role(Role.FILE, self.at) if counts else None

    def _role(self, role: Role, at: int) -> Role | None:
        if at < len(self._words) and VALUE in self._words[at]:
            self.at = at
            return role
        return None

    def _option(self, word: str) -> Role | None:
        kind, name = self._kind, word.lstrip("-+").partition("=")[0]
        is_long = word.startswith("--") or (len(name) > 1 and name in kind.text)
        if is_long:
            return self._long(word, name)
        if VALUE in word:
            return Role.TEXT if self._leads or self._due or self._given else None
        for place, letter in enumerate(word[1:], 2):
            if kind.flag and letter == kind.flag:
                self._due = True
            if letter in kind.text | kind.last | kind.other:
                behind = set(word[place:]) - kind.text  # `node -pe TEXT` has none
                return self._valued(letter, own=bool(behind) and not kind.flag)
        return None

    def _long(self, word: str, name: str) -> Role | None:
        if VALUE in name:
            return Role.OPTION if self._leads or self._due or self._given else None
        if "=" in word:
            self._given = self._given or name in self._kind.text
            return Role.TEXT if VALUE in word and name in self._kind.text else None
        return self._valued(name, own=False)

    def _valued(self, name: str, *, own: bool) -> Role | None:
        """An option with a value; whether that stands in the option's `own` word."""
        kind = self._kind
        place = self.at if own else self.at + 1
        if name in kind.text:
            self._given = True
            role = self._role(Role.TEXT, place)
        elif name == "m" and place < len(self._words) and self._words[place] in MODULES:
            self._kind = MODULES[self._words[place]]
            self._due = self._kind.first
            role = None
        elif name in kind.last:
            self.is_file = True
            role = self._role(Role.FILE, place) if self._files else None
        elif name in kind.other:
            role = self._role(Role.FILE, place) if self._files else None
        else:
            return None
        self.at = place
        return role
