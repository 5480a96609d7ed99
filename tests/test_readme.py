"""Every example of the README works, and what it says of the project is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from shells import README, SCRIPT, SHELLS

from labq.config import KEYS
from labq.errors import ExitCode

ROOT = Path(__file__).parent.parent
FILES = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL)


def blocks(mark):
    return re.findall(rf"<!-- {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def shell(tmp_path, uri):
    """A shell in a folder with the README's files; its `labq` and `python` are those under test."""
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, words in (("labq", "-m labq"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (commands / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "LABQ_URI": uri}
    environment["LABQ_HOME"] = str(tmp_path / "home")

    def run(text, kind="bash"):
        return subprocess.run(
            [*SCRIPT[kind], text],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    ("uri", "kind"),
    [*(("sqlite", kind) for kind in SHELLS), ("lone", "bash"), ("replica", "bash")],
    indirect=["uri"],
)
def test_the_tour_runs_from_top_to_bottom(shell, kind):
    tour = blocks("tour")
    done = [shell(block, kind) for block in tour]
    assert [(one.returncode, one.stderr if one.returncode else "") for one in done] == [
        (0, "")
    ] * len(tour)
    listed, trained, _, probed, found, ordered, lived, settings = (one.stdout for one in done)
    assert listed.count("pending") == 6
    assert "model.name=small" in listed
    best = trained.splitlines()[2:]
    assert "acc=0.95" in best[0]
    assert len(best) == 3
    assert "rate 0.3, seed 7\n" in probed
    assert "task 9  success  probe" in probed
    assert found.splitlines()[0] == "6"
    assert ordered.index("fetched") < ordered.index("trained")
    assert [f"fold {at} of 3" in lived for at in (1, 2, 3)] == [True] * 3
    assert "group folds  success" in lived
    assert "args.lr" in lived
    assert "night" in settings
    assert "labq.yaml:1" in settings


def test_the_example_in_python_runs(shell):
    (code,) = re.findall(r"<!-- python -->\n```python\n(.*?)```", README, re.DOTALL)
    train = "import labq\nlabq.report(acc=labq.current_task().args['lr'])\n"
    worker = "labq worker run --forever --quiet -- python train.py & worker=$!"
    done = shell(
        f"cat > train.py <<'EOF'\n{train}EOF\ncat > notebook.py <<'EOF'\n{code}EOF\n"
        f"{worker}\npython notebook.py || {{ kill $worker; exit 1; }}\nkill $worker\nwait $worker || true"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "<Task number=4 status=success> 0.15"


def test_the_first_example_runs(shell):
    head = README.partition("```sh\n")[2].partition("```")[0]
    done = shell(f"echo 'print(1)' > train.py\n{head}")
    assert done.returncode == 0, done.stderr
    assert "lr=0.1 model.name=resnet" in done.stdout


def test_each_set_up_is_one_command_that_makes_its_own_environment():
    (demo,), (test,) = blocks("demo command"), blocks("test command")
    assert demo.startswith("python3 -m venv .venv && ")
    assert demo.endswith(".venv/bin/labq demo\n")
    assert test.startswith("python3 -m venv .venv-test && ")
    assert "pytest" in test
    assert "\n" not in demo.strip() + test.strip()


def test_the_table_of_exit_codes_is_the_enum():
    table = re.findall(
        r"^\| (\d+)[^|]* \|",
        README.partition("| exit code |")[2].partition("\n\n")[0],
        re.MULTILINE,
    )
    assert [int(code) for code in table] == [int(code) for code in ExitCode]


def test_every_setting_is_named():
    for key in KEYS:
        assert f"LABQ_{key.upper()}" in README


def test_the_demo_ranks_twelve_trainings(shell):
    done = shell("labq demo")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if re.match(r" +\d+ +\d+ ", line)]
    assert [row[0] for row in rows] == [str(rank) for rank in range(1, 13)]
    scores = [float(row[4]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.95
    assert len(set(scores)) > 3
    again = shell("labq demo --json")
    assert "queue demo-2 " in again.stderr
    assert len(again.stdout.splitlines()) == 12
    by_hand = [
        line.strip()
        for line in done.stdout.splitlines()
        if line.startswith("  ") and "labq" in line
    ]
    assert len(by_hand) == 3
    for kind in SHELLS:
        assert shell("labq task delete -q --yes -f '{}'", kind).returncode == 0
        assert len(shell(by_hand[0], kind).stdout.split()) == 12
    assert shell("\n".join(by_hand[1:])).stdout.count("success") == 12


def test_what_nobody_has_tried_is_said_to_be_untried():
    """Of these no test is run; whoever runs the tests on one takes it off here."""
    flowed = " ".join(README.split())
    assert "written for macOS too, where nobody has run the tests yet" in flowed
    assert "a sharded cluster is untried" in flowed
    systems = re.findall(r'"Operating System :: ([^"]*)"', (ROOT / "pyproject.toml").read_text())
    assert systems == ["POSIX :: Linux"]
