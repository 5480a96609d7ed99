"""`labq task update` and `labq task report`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest


@pytest.fixture
def sweep(labq):
    for lr in (0.1, 0.2, 0.3):
        labq("task", "submit", "--", "--lr", lr, "--opt.name", "adam", "--opt.lr", 1)


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Makes $EDITOR a shell script, which finds the file in $1."""

    def make(script):
        path = tmp_path / "editor.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(path))

    return make


def args(queue):
    return [task["args"] for task in queue.find({"queue": "default"})]


def test_by_value_in_both_spellings(labq, queue, sweep):
    result = labq("task", "update", "--id", "1", "-u", "args.lr=0.5")
    assert result.err.splitlines()[1:] == [
        "+ --lr 0.5 --opt.name adam --opt.lr 1",
        "changed 1 task",
    ]
    result = labq("task", "update", "--id", "2", "--", "args.lr=0.6", "args.opt={'name': 'sgd'}")
    assert result.err.splitlines()[1:] == ["+ --lr 0.6 --opt.name sgd", "changed 1 task"]
    assert args(queue) == [
        {"lr": 0.5, "opt": {"name": "adam", "lr": 1}},
        {"lr": 0.6, "opt": {"name": "sgd"}},
        {"lr": 0.3, "opt": {"name": "adam", "lr": 1}},
    ]


def test_many_by_filter_with_a_count_of_each(labq, queue, sweep):
    result = labq("task", "update", "-s", "pending", "-f", "args.lr > 0.1", "-u", "args.lr=0.3")
    assert result.err == "changed 1 task, 1 had the value already\n"
    result = labq("task", "update", "-f", "{}", "-u", "priority=2", "--json")
    assert result.lines == [{"changed": 3, "same": 0, "refused": {}}]
    assert labq("task", "update", "-f", "{}", "-u", "priority=3", "--quiet").err == ""


@pytest.mark.parametrize("ids", [[""], ["\n"], ["-"]])
def test_an_empty_list_of_ids_changes_nothing(labq, queue, sweep, monkeypatch, ids):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    before = list(queue.find({"queue": "default"}))
    result = labq("task", "update", *(word for i in ids for word in ("--id", i)), "-u", "args.lr=9")
    assert (result.code, result.err) == (0, "changed 0 tasks\n")
    assert list(queue.find({"queue": "default"})) == before


def test_an_id_option_that_swallows_the_next_changes_nothing(labq, queue, sweep):
    before = list(queue.find({"queue": "default"}))
    assert labq("task", "update", "--id", "-u", "args.lr=9").code == 3
    assert labq("task", "update", "-u", "args.lr=9").code == 2
    assert list(queue.find({"queue": "default"})) == before


def test_a_running_tasks_args_are_refused(labq, queue, sweep):
    from labq.queue import WorkerName, claims

    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    result = labq("task", "update", "--id", "1", "-u", "args.lr=9")
    assert result.code == 5
    assert result.err == (
        "labq: cannot edit task 1: it is running, its args cannot change (labq task clone 1"
        " --update args.lr=1 --enqueue runs a changed copy)\n"
    )
    result = labq("task", "update", "-f", "{}", "-u", "args.lr=9")
    assert result.code == 0
    assert result.err == (
        "changed 2 tasks, left 1 task: running, its args cannot change (labq task clone REF"
        " --update args.lr=1 --enqueue runs a changed copy)\n"
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ["-u", "args.lr=1"],
            "labq: update which tasks? Give --id, -s, --name or -f (every task: -f '{}')\n",
        ),
        (
            ["--id", "1", "-u", "args.lr"],
            "labq: 'args.lr' is not FIELD=VALUE (such as args.lr=0.3)\n",
        ),
        (["--id", "1", "-u", "args.a..b=1"], "labq: "),
        (["--id", "1", "-u", "number=1"], "labq: number cannot be edited (what can: "),
    ],
)
def test_what_is_wrong_changes_nothing(labq, queue, sweep, given, told):
    before = list(queue.find({"queue": "default"}))
    result = labq("task", "update", *given)
    assert result.code == 2
    assert result.err.startswith(told)
    assert list(queue.find({"queue": "default"})) == before


ODD = {
    "a": 1e-05,
    "b": "no",
    "c": "12:30:45",
    "d": "on",
    "e": None,
    "f": "1e-05",
    "g": 5.0,
    "h": ["null", 1],
}


def test_the_editor_changes_what_is_changed_in_it_and_nothing_else(labq, queue, editor):
    labq("task", "submit", "--args", repr(ODD))
    editor("sed -i 's/^priority: 0$/priority: 7/; s/^  b: .*/  b: off/' \"$1\"")
    assert labq("task", "update", "--id", "1").err == "changed 1 task\n"
    task = queue.get("1")
    assert repr(task["args"]) == repr({**ODD, "b": "off"})
    assert task["priority"] == 7


def test_the_editor_left_as_it_is_changes_nothing(labq, queue, sweep, editor, tmp_path):
    editor(f'cp "$1" {tmp_path}/seen')
    before = queue.get("1")
    assert labq("task", "update", "--id", "1").err == "changed 0 tasks, 1 had the value already\n"
    assert queue.get("1") == before
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("# Task 1 of queue default. An emptied file changes nothing.\n")
    for field in ("_id", "number", "status", "attempt", "created_at"):
        assert f"\n{field}: " in seen
    assert seen.count("  # read-only\n") == 5


def test_a_failed_save_is_opened_again_with_the_error_and_the_text(
    labq, queue, sweep, editor, tmp_path
):
    editor(
        f"""if [ -e {tmp_path}/again ]; then cp "$1" {tmp_path}/second; sed -i 's/: high/: 4/' "$1"
        else touch {tmp_path}/again; sed -i 's/^priority: 0/priority: high/' "$1"; fi"""
    )
    assert labq("task", "update", "--id", "1").err == "changed 1 task\n"
    second = (tmp_path / "second").read_text()
    assert second.startswith("#! priority must be a whole number, not 'high'\n")
    assert "\npriority: high\n" in second
    assert queue.get("1")["priority"] == 4


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "sed -i 's/^status: .*/status: success/' \"$1\"",
            "labq: status is read-only; nothing is changed",
        ),
        ("sed -i 's/^_id: .*/_id: x/' \"$1\"", "labq: the _id line of a task is gone or changed"),
        ("sed -i 's/^priority: .*/extra: 1/' \"$1\"", "labq: no field 'extra'"),
        ("sed -i 's/^priority: .*/a: [/' \"$1\"", "labq: not YAML: line "),
    ],
)
def test_what_cannot_be_taken_twice_is_given_up_with_the_text_kept(
    labq, queue, sweep, editor, script, told
):
    editor(script)
    before = queue.get("1")
    result = labq("task", "update", "--id", "1")
    assert result.code == 2
    assert result.err.startswith(told)
    assert "your text is kept in " in result.err
    assert queue.get("1") == before


def test_a_task_that_changed_meanwhile_is_not_overwritten(labq, queue, sweep, editor, tmp_path):
    import sys

    editor(
        f"{sys.executable} -m labq task update -q --id 1 -u priority=9 2>/dev/null;"
        " sed -i 's/^priority: 0/priority: 1/' \"$1\""
    )
    result = labq("task", "update", "--id", "1")
    assert result.code == 5
    assert "it changed while you edited it" in result.err
    kept = result.err.rpartition("your text is kept in ")[2].strip()
    assert "priority: 1" in Path(kept).read_text()
    assert queue.get("1")["priority"] == 9


def test_several_tasks_in_one_editor(labq, queue, sweep, editor):
    editor("sed -i 's/^priority: 0/priority: 1/; s/  lr: 0.2/  lr: 0.25/' \"$1\"")
    assert labq("task", "update", "-f", "args.lr < 0.25").err == "changed 2 tasks\n"
    assert [task["priority"] for task in queue.find({"queue": "default"})] == [1, 1, 0]
    assert [one["lr"] for one in args(queue)] == [0.1, 0.25, 0.3]


def test_report_from_outside(labq, queue, sweep):
    assert labq("task", "report", "2", "acc=0.93", "best.epoch=12", "note=fine").code == 0
    assert queue.get("2")["summary"] == {"acc": 0.93, "best": {"epoch": 12}, "note": "fine"}
    assert labq("task", "report", "2", "best.acc=1", "--json").lines[0]["summary"] == {
        "best.acc": 1
    }
    assert queue.get("2")["summary"]["best"] == {"epoch": 12, "acc": 1}


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (["acc=1"], 2, "labq: this is not a labq task: name one, labq task report REF acc=0.93\n"),
        (["1"], 2, "labq: report what? Give KEY=VALUE, such as acc=0.93\n"),
        (["1", "acc"], 2, "labq: 'acc' is not KEY=VALUE (such as acc=0.93)\n"),
        (["9", "acc=1"], 3, "labq: no task '9' in queue 'default'"),
        (["1", "$x=1"], 2, "labq: '$x=1': the key '$x' begins with $"),
    ],
)
def test_a_report_that_is_wrong(labq, sweep, given, code, told):
    result = labq("task", "report", *given)
    assert result.code == code
    assert result.err.startswith(told)


def test_without_a_terminal_or_an_editor_of_choice_none_is_started(labq, sweep, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    result = labq("task", "update", "1")
    assert result.code == 2
    assert result.err == "labq: no terminal for an editor: give the edit with -u FIELD=VALUE\n"


def test_a_word_without_an_equals_sign_is_a_reference(labq, queue, sweep):
    assert labq("task", "update", "2", "-u", "priority=4").err == "changed 1 task\n"
    assert labq("task", "update", "1", "3", "priority=5").err == "changed 2 tasks\n"
    assert [task["priority"] for task in queue.find({"queue": "default"})] == [5, 4, 5]
