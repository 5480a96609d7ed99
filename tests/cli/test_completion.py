from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from labq.cli.completion.bash import script as bash_script
from labq.cli.completion.fish import script as fish_script
from labq.cli.completion.scripts import script_for
from labq.cli.completion.words import SHELLS, STATUSES, Command, Option, described, topics
from labq.cli.completion.zsh import script as zsh_script

ROOT = Path(__file__).parents[2]
TREE = described()
ASK = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_labq
if [[ ${#COMPREPLY[@]} -gt 0 ]]; then printf '%s\\n' "${COMPREPLY[@]}"; fi
"""


@pytest.fixture
def uri():
    """Completion asks no store: one run of each test is enough."""
    return "sqlite:labq.db"


@pytest.fixture
def offered(tmp_path):
    """What real bash offers for the last of these words."""
    path = tmp_path / "labq.bash"
    path.write_text(script_for("bash"))

    def ask(*words):
        argv = ["bash", "--norc", "-c", ASK, "bash", str(path), *words]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        assert done.stderr == ""
        return done.stdout.split()

    return ask


@pytest.mark.parametrize("shell", SHELLS)
def test_the_file_is_up_to_date(shell):
    path = ROOT / "completions" / f"labq.{shell}"
    rewrite = f"labq completion show {shell} > completions/labq.{shell}"
    assert path.read_text() == script_for(shell), f"out of date; rewrite it: {rewrite}"


def test_the_tree_is_described_whole():
    paths = [" ".join(command.path) for command in TREE]
    assert paths[0] == ""
    assert {"task submit", "task ls", "worker run", "completion install", "guide"} < set(paths)
    submit = TREE[paths.index("task submit")]
    assert {"--args", "--queue", "--help"} < {name for o in submit.options for name in o.names}


def test_an_option_takes_a_value_in_every_command_or_in_none():
    taking: dict[str, set[bool]] = {}
    for command in TREE:
        for option in command.options:
            for name in option.names:
                taking.setdefault(name, set()).add(bool(option.value))
    assert [name for name, kinds in taking.items() if len(kinds) > 1] == []


@pytest.mark.parametrize("command", TREE, ids=lambda command: " ".join(command.path) or "labq")
def test_bash_offers_every_command_and_option(offered, command):
    options = [name for option in command.options for name in option.names]
    assert offered("labq", *command.path, "-") == options
    if command.children:
        assert offered("labq", *command.path, "") == list(command.children)


@pytest.mark.parametrize("command", TREE, ids=lambda command: " ".join(command.path) or "labq")
def test_zsh_and_fish_know_every_command_and_option(command):
    function = "_".join(("_labq", *command.path)) + "() {"
    body = script_for("zsh").partition(f"\n{function}\n")[2].partition("\n}\n")[0]
    here = f"complete -c labq -n '{' '.join(('__labq_at', *command.path))}' "
    lines = [line[len(here) :] for line in script_for("fish").splitlines() if line.startswith(here)]
    for child in command.children:
        assert f"\n    '{child}:" in body
        assert any(line.startswith(f"-f -a {child} -d ") for line in lines)
    for option in command.options:
        for name in option.names:
            assert re.search(rf"['{{,*]{name}[=+]?[\[,}}]", body), name
            flag = f"-l {name[2:]} " if name.startswith("--") else f"-s {name[1:]} "
            assert any(flag in line for line in lines), name


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["t"], ["task"]),
        (["task", "ls", "-s", ""], list(STATUSES)),
        (["task", "ls", "--status", "p"], ["pending"]),
        (["task", "ls", "--status", "=", "p"], ["pending"]),
        (["task", "ls", "--status", "="], list(STATUSES)),
        (["task", "ls", "-f", "task", "-s", "fail"], ["failed"]),
        (["task", "--help", "ls", "--sta"], ["--status"]),
        (["completion", "show", ""], list(SHELLS)),
        (["completion", "install", "f"], ["fish"]),
        (["guide", ""], list(topics())),
        (["task", "ls", "-q", "--uri", "ls", "--lim"], ["--limit"]),
        (["no-such-command", ""], []),
    ],
)
def test_bash_finds_the_command_before_it_offers(offered, words, found):
    assert offered("labq", *words) == found


@pytest.mark.parametrize(
    "words",
    [
        ["task", "submit", "--args", ""],
        ["task", "submit", "--cmd", "=", "tr"],
        ["task", "show", ""],
        ["task", "submit", "--", ""],
        ["task", "submit", "--", "--lr", "-"],
        ["worker", "run", "--", "python", "--status", "tr"],
    ],
)
def test_bash_leaves_values_and_what_follows_the_dashes_to_files(offered, words):
    assert offered("labq", *words) == []
    assert "\ncomplete -o default -F _labq labq\n" in script_for("bash")


def test_bash_offers_programs_to_a_worker(offered):
    assert "bash" in offered("labq", "worker", "run", "--slots", "2", "--", "bas")


def test_bash_3_can_read_the_script():
    assert not re.search(r"mapfile|readarray|compopt|declare -A|\$\{\w+[,^]", script_for("bash"))


def test_quotes_and_brackets_of_a_help_text_stay_text():
    about = "the job's [own]: a\\b"
    option = Option(("--odd", "-o"), about, value="A:B", repeats=True)
    run = Command(("worker", "run"), {}, (option,), takes=True, runs=True)
    assert r"""'*'{--odd=,-o+}'[the job'\''s \[own\]\: a\\b]:A\:B:_files'""" in zsh_script([run])
    assert r"-l odd -s o -rF -d 'the job\'s [own]: a\\b'" in fish_script([run])
    assert "-o|--odd" not in bash_script([run])
    assert "--odd|-o) value=$word" in bash_script([run])


@pytest.mark.parametrize(
    ("shell", "place", "then"),
    [
        (
            "bash",
            "data/bash-completion/completions/labq",
            "open a new shell (without bash-completion: add 'source {path}' to ~/.bashrc)",
        ),
        (
            "zsh",
            "data/zsh/site-functions/_labq",
            "put '{lines}' into ~/.zshrc, and open a new shell",
        ),
        ("fish", "config/fish/completions/labq.fish", "open a new shell"),
    ],
)
def test_install_writes_where_the_shell_looks(labq, tmp_path, shell, place, then):
    path = tmp_path / place
    told = labq("completion", "install", shell)
    assert (told.code, told.out) == (0, "")
    lines = f"fpath+=({path.parent}); autoload -Uz compinit; compinit"
    assert told.err == f"wrote {path}; {then.format(path=path, lines=lines)}\n"
    assert path.read_text() == script_for(shell)
    assert labq("completion", "install", shell, "--json").lines == [
        {"shell": shell, "path": str(path)}
    ]


def test_install_without_xdg_dirs_takes_those_of_the_home(labq, tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    assert labq("completion", "install", "bash").code == 0
    assert labq("completion", "install", "fish").code == 0
    home = tmp_path / "home"
    assert (home / ".local/share/bash-completion/completions/labq").exists()
    assert (home / ".config/fish/completions/labq.fish").exists()


def test_install_says_why_it_cannot_write(labq, tmp_path):
    (tmp_path / "data").write_text("")
    told = labq("completion", "install", "bash")
    path = tmp_path / "data/bash-completion/completions/labq"
    assert (told.code, told.err) == (4, f"labq: cannot write {path}: Not a directory\n")


@pytest.mark.parametrize("verb", ["show", "install"])
def test_an_unknown_shell_is_refused(labq, tmp_path, verb):
    told = labq("completion", verb, "tcsh")
    assert (told.code, told.out) == (2, "")
    assert told.err == "labq: no completion for 'tcsh' (there are: bash, zsh, fish)\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_show_prints_the_script(labq, shell):
    assert labq("completion", "show", shell).out == script_for(shell)
    assert labq("completion", "show", shell, "--json").lines == [
        {"shell": shell, "script": script_for(shell)}
    ]
