"""Any command, word for word: submitted, run, requeued, cloned and edited, on both stores."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd()]))"

# What people type behind a script, in the styles of common parsers.
LINES = [
    "",
    "--lr 0.1 --epochs 3",
    "--lr=0.1 --name 'a b'",
    "-b 32 -lr=1e-3 -j8 -vv",
    "configs/faster_rcnn.py --work-dir runs/1 --cfg-options optimizer.lr=0.01 model.depth=50",
    "--config-file configs/x.yaml --num-gpus 8 SOLVER.IMS_PER_BATCH 2 SOLVER.BASE_LR 0.0025",
    "optimizer.lr=0.1 +trainer.max_epochs=3 ++model.name=big ~callbacks model/size=large",
    "-m optimizer=adam,sgd db.user=root 'hydra.sweep.dir=${now:%Y-%m-%d}'",
    "train data=coco128.yaml model=yolov8n.pt epochs=10 lr0=0.01",
    "--layers 64 64 32 --flag --name x",
    "--tag a --tag b --lr 0.1",
    "--sha 7e5 --version 1.10 --zip 007 --flag True --bn False --none None",
    "--kwargs '{\"a\": 1, \"b\": [true, null]}' --betas '(0.9, 0.999)' --list '[1, 2]'",
    "--lr -1e-3 --offset -5 --name -",
    "-- --lr 0.1 -x",
    "fit --trainer.max_epochs=3 --model.init_args.lr 0.1 --data MyData",
    "--prompt 'It'\"'\"'s 100% %(name)s %{x} %d' --format '%(levelname)s: %%'",
    "'' --empty '' -- ''",
    "--a..b 1 --.c 2 --$d 3 --=4 =5",
    "--x 1 --x.y 2 --x '{}'",
    "--text 'a\nb\tc' --uni 'ä😀'",
    "--n 99999999999999999999999 --inf 1e999 --nan nan",
    "in.txt out.txt - -1 2",
]


WORDS = [shlex.split(line) for line in LINES]
ARGUMENTS = [words for line, words in zip(LINES, WORDS, strict=True) if line[:1] in ("-", "+", "~")]


def all_ran(result):
    return [json.loads(line)[0] for line in result.out.splitlines()]


def ran(result):
    (words,) = all_ran(result)
    return words


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "show.py"
    path.write_text(SHOW)
    return [sys.executable, str(path)]


def test_commands_are_run_word_for_word_and_so_are_their_retries_and_clones(labq, script):
    for words in WORDS:
        assert labq("task", "submit", "-q", *script, *words).code == 0
    assert all_ran(labq("worker", "run")) == WORDS
    labq("task", "requeue", "-f", "{}", "-q", "--yes")
    assert all_ran(labq("worker", "run")) == WORDS
    labq("task", "clone", "-f", "{}", "--enqueue", "-q", "--yes")
    assert all_ran(labq("worker", "run")) == WORDS


def test_arguments_reach_the_command_of_a_worker_word_for_word(labq, script):
    for words in ARGUMENTS:
        assert labq("task", "submit", "-q", "--", *words).code == 0
    assert all_ran(labq("worker", "run", "--", *script)) == ARGUMENTS
    labq("task", "requeue", "-f", "{}", "-q", "--yes")
    assert all_ran(labq("worker", "run", "-c", f"{shlex.join(script)} ")) == ARGUMENTS


def test_runs_and_their_requeues_are_word_for_word(labq, script):
    for words in WORDS:
        assert ran(labq("run", "--args", "{'noted': 1}", *script, *words)) == words
    labq("task", "requeue", "-f", "{}", "-q", "--yes")
    assert all_ran(labq("worker", "run")) == WORDS


def test_cmd_is_a_line_in_one_text(labq, queue, script, tmp_path):
    labq("task", "submit", "-q", "--cmd", f"A=1 {shlex.join(script)} --lr 0.1", "--", "--n", "2")
    task = queue.get("1")
    assert (task["args"], task["env"]) == ({"lr": 0.1, "n": 2}, {"A": "1"})
    assert task["cwd"] == str(tmp_path)
    assert ran(labq("worker", "run")) == ["--lr", "0.1", "--n", "2"]


def test_ten_thousand_words(labq, script):
    words = [f"--k{at}={at}" for at in range(5000)] + [f"w{at}" for at in range(5000)]
    assert labq("task", "submit", "-q", *script, *words).code == 0
    assert ran(labq("worker", "run")) == words


def test_an_edit_respells_its_own_words_and_shows_both_lines(labq, script):
    labq("task", "submit", "-q", *script, *shlex.split("in.txt -b 32 --v 1.10 x=1 -- --b 3"))
    command = shlex.join(script)
    edits = ("-u", "args.b=64", "-u", "args.new=1e-3", "-u", "args.x!")
    result = labq("task", "update", "1", *edits)
    assert result.err == (
        f"- {command} in.txt -b 32 --v 1.10 x=1 -- --b 3\n"
        f"+ {command} in.txt -b 64 --v 1.10 --new 1e-3 -- --b 3\n"
        "changed 1 task\n"
    )
    assert ran(labq("worker", "run")) == shlex.split("in.txt -b 64 --v 1.10 --new 1e-3 -- --b 3")
    labq("task", "clone", "1", "-u", "args.v=1.20", "--enqueue", "-q")
    assert ran(labq("worker", "run")) == shlex.split("in.txt -b 64 --v 1.20 --new 1e-3 -- --b 3")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            "args.layers=3",
            "labq: cannot edit task 1: layers is several words (--layers 1 2): give a list, args.layers='[3]'\n",
        ),
        ("args.nothing!", "labq: cannot edit task 1: args.nothing is not there to take away\n"),
    ],
)
def test_an_edit_that_words_cannot_follow_is_refused(labq, queue, edit, told):
    labq("task", "submit", "-q", "--", "--layers", "1", "2")
    result = labq("task", "update", "1", "-u", edit)
    assert (result.code, result.err) == (5, told)
    assert queue.get("1")["args"] == {"layers": [1, 2]}


def test_another_writer_of_args_is_followed(labq, queue, script):
    from labq.store import Change

    labq("task", "submit", "-q", *script, "--lr", "0.1", "--v", "1.10")
    queue.store.update({"_id": queue.get("1")["_id"]}, Change(set={"args": {"v": 1.1, "y": 2}}))
    assert ran(labq("worker", "run")) == ["--v", "1.10", "--y", "2"]


def test_what_was_typed_is_what_is_shown(labq):
    labq("task", "submit", "-q", "--", "--sha", "7e5", "--v", "1.10", "in.txt", "--n", "2")
    assert "sha=7e5 " in labq("task", "ls").out
    shown = labq("task", "show", "1").out
    assert "args.sha     7e5" in shown
    assert "words        --sha 7e5 --v 1.10 in.txt --n 2" in shown
    assert labq("task", "ls", "--cols", "args.sha").out.split()[-1] == "7e5"
    assert labq("task", "show", "1", "--json").lines[0]["args"]["sha"] == 700000.0


@pytest.mark.parametrize(
    ("words", "warned"),
    [
        ("--tag a --tag b", "--tag is given twice: args hold the later value, the job gets both"),
        ("--x 1 --x.y 2", "--x.y replaces the value of --x in args, the job gets both"),
        ("lr=2", "lr= replaces the value in --args"),
        ("./a && ./b", "'&&' is a word for the program: no shell reads it (sh -c TEXT has one)"),
    ],
)
def test_what_args_cannot_hold_beside_the_words_is_said(labq, words, warned):
    result = labq("task", "submit", "--args", "{'lr': 1}", "--", *words.split())
    assert f"labq: warning: {warned}\n" in result.err


def test_placeholders_of_other_args_are_live_and_all_others_text(labq, script):
    base = ("--args", "{'lr': 0.5, 'opt': {'name': 'a b'}}")
    words = [
        "--rate=%{lr}",
        "%(opt.name)",
        "%(levelname)s",
        "%%",
        "%%{lr}",
        "%{seed}",
        "--seed",
        "1",
    ]
    labq("task", "submit", "-q", *base, *script, *words)
    wanted = ["--rate=0.5", "a b", "%(levelname)s", "%%", "%{lr}", "%{seed}", "--seed", "1"]
    assert ran(labq("worker", "run")) == wanted


def test_a_list_is_several_words_and_a_dict_is_json_where_their_placeholder_stands(labq, script):
    base = ("--args", "{'n': [1, 'a b'], 'opt': {'lr': 0.5}}")
    labq("task", "submit", "-q", *base, *script, "%{n...}", "--opt=%{opt}", "--n", "%{n}")
    wanted = ["1", "a b", '--opt={"lr": 0.5}', "--n", '[1, "a b"]']
    assert ran(labq("worker", "run")) == wanted
    labq("task", "submit", "-q", "--", "--n", "1", "2")
    assert labq("worker", "run", "--", "echo", "%{n...}", "end").out == "1 2 end\n"


def test_placeholders_of_a_file_are_live_in_the_words(labq, script, tmp_path):
    (tmp_path / "runs.jsonl").write_text('{"lr": 0.1}\n{"lr": 0.2, "x": 1}\n')
    labq("task", "submit", "-q", "--file", "runs.jsonl", *script, "--rate", "%{lr}", "--n", "2")
    result = labq("worker", "run")
    assert all_ran(result) == [
        ["--rate", "0.1", "--n", "2"],
        ["--rate", "0.2", "--n", "2", "--x", "1"],
    ]


def test_a_command_of_its_own_is_left_to_a_worker_without_one(labq, queue, script):
    labq("task", "submit", "-q", *script, "--lr", "0.1")
    result = labq("worker", "run", "--", "echo", "mine")
    told = (
        "1 task passed over: it has its own command, which a worker without COMMAND runs"
        " (--override-cmd: this one)\n"
    )
    assert (result.out, told in result.err) == ("", True)
    assert queue.get("1")["reason"].startswith("passed over: it has its own command")
    assert labq("worker", "run", "--override-cmd", "--", "echo", "mine").out == "mine --lr 0.1\n"


def test_a_command_runs_in_the_folder_that_it_was_submitted_from(
    labq, script, tmp_path, monkeypatch
):
    labq("task", "submit", "-q", *script)
    labq("task", "submit", "-q", "--cwd", "-", *script)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    result = labq("worker", "run")
    folders = [json.loads(line)[1] for line in result.out.splitlines()]
    assert folders == [str(tmp_path), str(tmp_path / "other")]


def test_a_worker_without_that_folder_passes_the_task_over(
    labq, queue, script, tmp_path, monkeypatch
):
    (tmp_path / "gone").mkdir()
    labq("task", "submit", "-q", "--cwd", "gone", *script)
    (tmp_path / "gone").rmdir()
    labq("worker", "run")
    task = queue.get("1")
    told = f"passed over: there is no folder {tmp_path / 'gone'} here (--cwd - is the worker's)"
    assert (task["status"], task["reason"]) == ("pending", told)


def test_words_of_no_key_are_not_for_a_command_with_placeholders(labq, queue):
    labq("task", "submit", "-q", "--", "--lr", "0.1", "x=1")
    labq("task", "submit", "-q", "--", "--lr=0.2", "in.txt", "x=1")
    result = labq("worker", "run", "--", "echo", "%{lr}", "%(x)")
    assert result.out == "0.1 1\n"
    assert queue.get("2")["reason"].startswith("passed over: the worker's command takes exactly")


def test_a_placeholder_whose_arg_is_taken_away_is_told_and_passed_over_until_it_is_back(
    labq, script
):
    labq("task", "submit", "-q", "--args", "{'lr': 1}", *script, "--rate", "%{lr}", "--n", "2")
    told = "%(lr): the task has no such arg (it has n)"
    assert f"+ {told}\n" in labq("task", "update", "1", "-u", "args.lr!").err
    assert told in labq("task", "show", "1").out
    assert "n=2" in labq("task", "ls").out
    assert f"passed over: {told}" in labq("worker", "run").err
    labq("task", "update", "1", "-q", "-u", "args.lr=1e-3", "-u", "args.n=3")
    assert ran(labq("worker", "run")) == ["--rate", "1e-3", "--n", "3"]
