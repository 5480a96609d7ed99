"""Which commands would run what a task's args hold, and which pass it on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

import pytest

from labq.command.template import parse_command, parse_shell, require_appendable
from labq.errors import TemplateError, UsageError
from labq.queue.hooks import parse_hook

HINT = "use worker run -c 'TEXT', where a value is a variable, or sh -c 'echo \"$1\"' sh '%(x)'"
TEXT = "pass it behind the text, as an argument of that"


def runs(program, advice):
    return f"%(x): {program} would run what the value holds: {advice}"


def option(program):
    told = f"a value that begins with a dash would be an option of {program}: write -- '%(x)'"
    return f"%(x): {told}"


def joins(program):
    return runs(
        program,
        f"put {program} in a script that quotes it, or start the worker where it is to run",
    )


REFUSED = [
    ("sh -c 'echo %(x)'", runs("sh", HINT)),
    ("/bin/sh -c %(x)", runs("sh", HINT)),
    ("bash -lc 'echo %(x)'", runs("bash", HINT)),
    ("bash -c -e 'echo %(x)'", runs("bash", HINT)),
    ("bash -euo pipefail -c 'echo %(x:1)'", runs("bash", HINT)),
    ("bash -c -o errexit -- 'echo %(x)'", runs("bash", HINT)),
    ("bash --norc -c 'echo %(x)'", runs("bash", HINT)),
    ("bash -%(x) 'echo 1'", runs("bash", HINT)),
    ("zsh -c 'echo %(x)'", runs("zsh", HINT)),
    ("zsh-5.9 -fc 'echo %(x)'", runs("zsh", HINT)),
    ("dash -ec 'echo %(x)'", runs("dash", HINT)),
    ("ksh93 -c 'echo %(x)'", runs("ksh", HINT)),
    ("fish -c 'echo %(x)'", runs("fish", HINT)),
    ("fish --command 'echo %(x)'", runs("fish", HINT)),
    ("fish --init-command='echo %(x)' f.fish", runs("fish", HINT)),
    ("fish -c 'echo $argv' %(x)", option("fish")),
    ("env X=1 sh -c 'echo %(x)'", runs("sh", HINT)),
    ("env X=%(x) sh -c 'echo %(x)'", runs("sh", HINT)),
    ("env -S 'sh -c \"echo %(x)\"'", runs("env", HINT)),
    ("env --split-string='train %(x)'", runs("env", HINT)),
    ("env %(x) train", option("env")),
    ("srun -p gpu --pty bash -c 'echo %(x)'", runs("bash", HINT)),
    ("docker run --rm image sh -c 'echo %(x)'", runs("sh", HINT)),
    ("nice -n 5 timeout 1h bash -c 'echo %(x)'", runs("bash", HINT)),
    ("find . -exec sh -c 'echo %(x)' ;", runs("sh", HINT)),
    ("xargs sh -c 'echo %(x)'", runs("sh", HINT)),
    ("sh -c 'exec \"$@\"' _ bash -c 'echo %(x)'", runs("bash", HINT)),
    ("busybox sh -c 'echo %(x)'", runs("sh", HINT)),
    ("su me -c 'echo %(x)'", runs("su", HINT)),
    ("su -c 'echo %(x)' me", runs("su", HINT)),
    ("flock lock -c 'echo %(x)'", runs("flock", HINT)),
    ("sbatch --wrap='train --lr %(x)'", runs("sbatch", HINT)),
    ("sbatch -N 1 --wrap 'train --lr %(x)'", runs("sbatch", HINT)),
    ("sh %(x)", option("sh")),
    ("bash --rcfile f %(x) y", option("bash")),
    ("python %(x)", option("python")),
    ("python -c 'print(%(x))'", runs("python", TEXT)),
    ("python -c'print(%(x))'", runs("python", TEXT)),
    ("python -W ignore -c 'print(%(x))'", runs("python", TEXT)),
    ("/usr/bin/python3.11 -Ic 'print(%(x))'", runs("python", TEXT)),
    ("uv run python -c 'print(%(x))'", runs("python", TEXT)),
    ("perl -lne 'print %(x)'", runs("perl", TEXT)),
    ("perl -e 'print @ARGV' %(x)", option("perl")),
    ("ruby -e 'puts %(x)'", runs("ruby", TEXT)),
    ("node -pe %(x)", runs("node", TEXT)),
    ("node --eval=%(x)", runs("node", TEXT)),
    ("Rscript -e 'print(%(x))'", runs("Rscript", TEXT)),
    ("R --slave -e 'print(%(x))'", runs("R", TEXT)),
    ("julia -t 4 -e 'print(%(x))'", runs("julia", TEXT)),
    ("matlab -batch 'train(%(x))'", runs("matlab", TEXT)),
    ("awk 'BEGIN { print %(x) }'", runs("awk", TEXT)),
    ("awk -F , '{ print %(x) }' f", runs("awk", TEXT)),
    ("ssh gpu1 python train.py --lr=%(x)", joins("ssh")),
    ("ssh %(x) nvidia-smi", joins("ssh")),
    ("nohup ssh gpu1 train %(x)", joins("ssh")),
    ("watch train %(x)", joins("watch")),
    ("parallel train ::: %(x)", joins("parallel")),
    ("tmux new train %(x)", joins("tmux")),
    ("script -qc 'echo %(x)' /dev/null", runs("script", HINT)),
    ("script -aqc 'echo %(x)'", runs("script", HINT)),
    ("su -lc 'echo %(x)' me", runs("su", HINT)),
    ("env -iS 'train %(x)'", runs("env", HINT)),
    ("sshpass -p x ssh host echo %(x)", joins("ssh")),
    ("env A=1 sshpass -f pass ssh host echo %(x)", joins("ssh")),
    ("sudo -u me ssh host echo %(x)", joins("ssh")),
    ("timeout -k 5 10 ssh host %(x)", joins("ssh")),
    ("sg lab 'echo %(x)'", joins("sg")),
    ("sg lab -c 'echo %(x)'", joins("sg")),
    ("sem 'echo %(x)'", joins("sem")),
    ("hyperfine 'train %(x)'", joins("hyperfine")),
    ("pwsh -Command echo %(x)", joins("pwsh")),
    ("entr -s 'echo %(x)'", runs("entr", HINT)),
    ("git -c 'alias.x=!echo %(x)' x", runs("git", HINT)),
    ("npx -c 'echo %(x)'", runs("npx", HINT)),
    ("npm exec -c 'echo %(x)'", runs("npm", HINT)),
    ("deno eval 'f(%(x))'", joins("eval")),
    ("ts-node -e 'f(%(x))'", runs("ts-node", TEXT)),
    ("python -m timeit -n 1 -r 1 %(x)", runs("python", TEXT)),
    ("python -m timeit -s 'x = %(x)' y", runs("python", TEXT)),
    ("python -m IPython -c 'f(%(x))'", runs("python", TEXT)),
    ("python -m pdb -c 'p %(x)' train.py", runs("python", TEXT)),
    ("yash -c 'echo %(x)'", runs("yash", HINT)),
    ("nu -c 'echo %(x)'", runs("nu", HINT)),
    ("xonsh -c 'echo %(x)'", runs("xonsh", TEXT)),
    ("sed 's/x/%(x)/' f", runs("sed", TEXT)),
    ("gdb -ex 'p %(x)' a", runs("gdb", TEXT)),
    ("expect -c 'spawn %(x)'", runs("expect", TEXT)),
    ("vim -c '%(x)'", runs("vim", TEXT)),
    ("psql -d lab -c 'select %(x)'", runs("psql", TEXT)),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_a_placeholder_in_what_is_read_as_a_program_is_refused(text, told):
    with pytest.raises(TemplateError) as caught:
        parse_command(shlex.split(text))
    assert str(caught.value) == told


ALLOWED = [
    "sh -c 'echo \"$1\"' x %(x)",
    "sh -c 'echo \"$1\"' sh %(x)",
    "bash -euc 'echo \"$@\"' bash --x=%(x) %(x)",
    "fish -c 'echo $argv' -- %(x)",
    "env X=%(x) sh -c 'echo $X'",
    "env X=%(x) -- python train.py",
    "sh run.sh -c %(x)",
    "bash -- %(x)",
    "bash runs/%(x).sh",
    "python train.py -c %(x)",
    "python -- %(x)",
    "python -m train -c %(x)",
    "python -m exp.%(x) 1",
    "python -X dev train.py %(x)",
    "python -c 'import sys' %(x)",
    "perl -e 'print @ARGV' -- %(x)",
    "julia --threads=%(x) train.jl %(x)",
    "R -f train.R --args %(x)",
    "awk -v x=%(x) 'BEGIN { print x }'",
    "awk -f prog.awk %(x)",
    "awk '{ print }' %(x)",
    "torchrun --nproc-per-node 2 train.py --shell bash -c %(x)",
    "./train.sh sh -c %(x)",
    "train --tokenizer python --lr %(x) --lr=%(x) -l%(x)",
    "train --shell bash %(x)",
    "train --transport ssh --lr %(x)",
    "gcc -c %(x)",
    "git -c a=b commit -m %(x)",
    "npx tool -c %(x)",
    "sed -n -f s.sed %(x)",
    "sudo -u me train --lr %(x)",
    "python -m pdb train.py --lr %(x)",
    "deno run train.ts %(x)",
    "srun -n 2 train --lr %(x)",
    "sbatch train.sh %(x)",
    "flock lock train -c %(x)",
    "nice -n %(x) train",
    "%(x) 1",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_a_placeholder_that_is_an_argument_stays(text):
    words = shlex.split(text)
    assert parse_command(words).render({"x": "v"}) == [word.replace("%(x)", "v") for word in words]


SHELL = [
    ("sh -c %(x)", HINT),
    ("true && env A=1 bash -lc %(x)", HINT),
    ("if true; then sh -c %(x); fi", HINT),
    ('out="$(sh -c %(x))"', ""),
    ("(cd /; bash -c %(x))", HINT),
    ("python -c %(x)", TEXT),
]


@pytest.mark.parametrize(("text", "advice"), SHELL)
def test_shell_text_may_not_hand_a_value_to_another_shell(text, advice):
    with pytest.raises(TemplateError) as caught:
        parse_shell(text)
    assert str(caught.value).startswith("%(x): ")
    assert str(caught.value).endswith(f" would run what the value holds: {advice or HINT}")


@pytest.mark.parametrize("text", ["eval echo %(x)", "ssh gpu1 train %(x)", "cd / && ssh a b %(x)"])
def test_shell_text_may_not_hand_a_value_to_what_joins_its_words(text):
    program = "eval" if "eval" in text else "ssh"
    with pytest.raises(TemplateError) as caught:
        parse_shell(text)
    assert str(caught.value) == joins(program)


APPENDED = [
    ("bash -c", "a task's args would be options of bash itself: name its script, or end the command with --"),
    ("python", "a task's args would be options of python itself: name its script, or end the command with --"),
    ("perl -e 'print @ARGV'", "a task's args would be options of perl itself: name its script, or end the command with --"),
    ("ssh gpu1 train", "ssh hands its words to a shell, which would run what a task's args hold: put it in a script that quotes them, or start the worker where the job is to run"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), APPENDED)
@pytest.mark.parametrize("parsed", [lambda text: parse_command(shlex.split(text)), parse_shell])
def test_a_command_that_would_read_the_appended_args_as_a_program_is_refused(parsed, text, told):
    with pytest.raises(TemplateError) as caught:
        require_appendable(parsed(text))
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "text",
    ["python train.py", "bash -c 'echo \"$@\"' bash", "sh run.sh", "python -m train", "true", "perl -e 'print @ARGV' --", "python -c 'import sys'", "srun python train.py"],
)  # fmt: skip
def test_a_command_that_passes_the_appended_args_on_is_taken(text):
    assert require_appendable(parse_command(shlex.split(text))) is None
    assert require_appendable(parse_shell(text)) is None


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("sh -c 'echo {task.name}'", "sh"),
        ("python -c 'print({task.number})'", "python"),
        ("ssh me notify {task.name}", "ssh"),
        ("bash hooks/{task.name}.sh", "bash"),
        ("sh -- {task.name}", "sh"),
        ("env -S 'n {task.name}'", "env"),
    ],
)
def test_a_hook_is_held_to_the_same_and_names_its_file_itself(text, program):
    with pytest.raises(UsageError) as caught:
        parse_hook(text)
    assert str(caught.value) == (
        f"on-finish: {program} would run what {{task...}} holds: "
        "write sh -c 'notify \"$1\"' sh {task.name}"
    )


# What is refused does run the value, and what is allowed does not: by the programs themselves.

HOSTILE = [
    *("$(touch pwned)", "`touch pwned`", ";touch pwned", "-ctouch pwned", "-c", "touch pwned"),
    *("-S touch pwned", "-Ctouch pwned", "-cimport os; os.system('touch pwned')", "-iS touch pwned"),
    "-e`touch pwned`",
    *("__import__('os').system('touch pwned')", '1}BEGIN{system("touch pwned")', "`touch pwned`"),
]  # fmt: skip


def programs(rows):
    """Those of the rows whose programs are all on this machine and may be run anywhere."""
    known = {"sh", "bash", "zsh", "dash", "fish", "env", "python", "perl", "awk"}
    firsts = {row: shlex.split(row)[0] for row in rows}
    return [row for row in rows if firsts[row] in known and shutil.which(firsts[row])]


def is_pwned(text, folder):
    """Whether some value makes the command run it."""
    for value in HOSTILE:
        words = [word.replace("%(x)", value).replace("%(x:1)", value) for word in shlex.split(text)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        subprocess.run(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True
        )
        if (folder / "pwned").exists():
            return True
    return False


PROOF = [
    "sh -c 'echo %(x)'",
    "sh -c %(x)",
    "bash -lc 'echo %(x)'",
    "bash -c -e 'echo %(x)'",
    "bash -c -o errexit -- 'echo %(x)'",
    "zsh -c 'echo %(x)'",
    "dash -ec 'echo %(x)'",
    "fish -c 'echo %(x)'",
    "fish -c 'echo $argv' %(x)",
    "env X=1 sh -c 'echo %(x)'",
    "env %(x) true",
    "sh -c 'exec \"$@\"' _ bash -c 'echo %(x)'",
    "python %(x)",
    "python -c 'print(%(x))'",
    "perl -e 'print %(x)'",
    "awk 'BEGIN { print %(x) }'",
]


@pytest.mark.parametrize("text", programs(PROOF))
def test_what_is_refused_would_run(text, tmp_path):
    with pytest.raises(TemplateError):
        parse_command(shlex.split(text))
    assert is_pwned(text, tmp_path)


@pytest.mark.parametrize("text", programs(ALLOWED))
def test_what_is_allowed_runs_nothing(text, tmp_path):
    assert not is_pwned(text, tmp_path)
