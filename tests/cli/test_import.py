"""`labq run --offline` and `labq import`: a record in a folder, brought into a store once."""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import sys

import pytest
from books import statuses, tasks
from waiting import until

TRAIN = """
import labq, sys
assert labq.current_task().args == {"lr": 0.1}
config = labq.connect({"lr": 1.0, "epochs": 3})
labq.report(acc=0.5, by={"epoch": 1})
labq.update_info({"by": {"loss": 2.0}, "lr": config["lr"]})
labq.progress(100)
assert labq.should_stop() is False
print("hello"); print("oh", file=sys.stderr)
"""
WAITS = """
import labq, time
labq.report(a=1)
open('ready', 'w').close()
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def script(tmp_path):
    """Writes train.py."""

    def script(text):
        (tmp_path / "train.py").write_text(text)
        return [sys.executable, "train.py"]

    return script


@pytest.fixture
def away(monkeypatch):
    """A process whose store is out of reach."""
    monkeypatch.setenv("LABQ_OFFLINE", "1")
    return {"env": {"LABQ_URI": "mongodb://127.0.0.1:1/x"}}


@pytest.fixture
def offline(process, script, away, tmp_path):
    """Runs a script offline to its end; its folder, exit code, stdout and stderr."""

    def offline(text, *words, options=()):
        running = process("run", *options, "--", *script(text), *words, **away)
        out, err = running.communicate(timeout=60)
        (folder,) = (tmp_path / "home" / "offline").iterdir()
        return folder, running.returncode, out, err

    return offline


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The home of another machine, which imports."""
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "elsewhere"))
    return tmp_path / "elsewhere"


def test_c5_a_run_is_kept_in_a_folder_and_imported_once(labq, queue, offline, elsewhere):
    folder, code, out, err = offline(TRAIN, "--lr", "0.1", options=["--name", "base"])
    assert (code, out) == (0, "hello\n")
    assert err.splitlines()[-1] == f"labq: the record is {folder} (labq import {folder})"
    assert tasks(queue) == []
    for told in ("success", "it was there already"):
        done = labq("import", folder)
        assert done.ids == [folder.name]
        assert done.err == f"task 1 in queue default ({queue.store.address}): {told}\n"
    (task,) = tasks(queue)
    assert (task["_id"], task["name"], task["status"]) == (folder.name, "base", "success")
    assert task["args"] == {"lr": 0.1}
    assert task["progress"] == 100
    assert task["summary"] == {
        "config": {"epochs": 3},
        "acc": 0.5,
        "by": {"epoch": 1, "loss": 2.0},
        "lr": 0.1,
    }
    (attempt,) = task["attempts"]
    assert (attempt["exit_code"], attempt["offline"]) == (0, folder.name)
    assert task["created_at"] <= task["started_at"] <= task["ended_at"]
    assert "reason" not in task
    assert (elsewhere / "tasks" / task["_id"] / "1.stdout").read_text() == "hello\n"
    assert (elsewhere / "tasks" / task["_id"] / "1.stderr").read_text() == "oh\n"
    assert labq("task", "show", "1").code == 0


def test_c5_it_may_be_imported_into_a_task_as_its_newest_attempt(labq, queue, offline, elsewhere):
    labq("task", "submit", "--name", "there", "--cmd", "false")
    labq("task", "submit", "--name", "after", "--after", "there", "--cmd", "true")
    labq("worker", "run", "--max-tasks", "1", "-q")
    labq("task", "requeue", "there")
    folder, *_ = offline("import labq; labq.report(acc=1); print('x'); 1 / 0")
    for told in ("failed", "it was there already"):
        done = labq("import", folder, "--into", "there")
        assert done.err == f"task 1 in queue default ({queue.store.address}): {told}\n"
    task = queue.get("there")
    assert [one["attempt"] for one in task["attempts"]] == [1, 2]
    assert (task["attempt"], task["status"], task["summary"]) == (2, "failed", {"acc": 1})
    assert task["reason"] == "exit code 1"
    assert "ZeroDivisionError" in task["errors"][-1]["stderr"]
    assert (elsewhere / "tasks" / task["_id"] / "2.stdout").read_text() == "x\n"
    assert statuses(queue) == ["failed", "cancelled"]


def test_c5_what_ended_by_a_signal_is_cancelled(labq, queue, process, script, away, tmp_path):
    running = process("run", "--", *script(WAITS), **away)
    until((tmp_path / "ready").exists)
    (folder,) = (tmp_path / "home" / "offline").iterdir()
    early = labq("import", folder)
    assert (early.code, early.err) == (5, f"labq: {folder}: its run has not ended yet\n")
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    assert json.loads(labq("import", folder, "--json").out) == {
        "_id": folder.name, "number": 1, "queue": "default", "status": "cancelled", "new": True,
    }  # fmt: skip
    assert queue.get("1")["reason"] == "stopped by SIGINT"


def test_c5_what_was_killed_has_no_end_and_failed(labq, queue, process, script, away, tmp_path):
    running = process("run", "--", *script(WAITS), **away)
    until((tmp_path / "ready").exists)
    (folder,) = (tmp_path / "home" / "offline").iterdir()
    running.kill()
    running.wait(60)
    with open(folder / "lines.jsonl", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write('{"at": "20')
    assert labq("import", folder, "-q").code == 0
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("failed", "its process was killed")
    assert task["summary"] == {"a": 1}


def test_c5_a_shell_script_reports_offline_too(labq, queue, offline, elsewhere):
    text = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'labq', 'task', 'report', 'acc=1'], check=True)"
    folder, code, _, err = offline(text)
    assert code == 0, err
    labq("import", folder)
    assert queue.get("1")["summary"] == {"acc": 1}


def test_c5_the_flag_does_it_too_and_the_exit_code_is_the_scripts(labq, queue, script, tmp_path):
    done = labq(
        "run", "--offline", "--json", "--queue", "far", "--", *script("raise SystemExit(4)")
    )
    assert done.code == 4
    (told,) = done.lines
    assert told["status"] == "failed"
    assert labq("import", told["folder"]).code == 0
    assert labq("task", "count", "--queue", "far").out.strip().startswith("1")
    assert tasks(queue) == []


def test_a_store_that_is_away_is_told_with_the_way_out(labq, script):
    done = labq("run", "--uri", "mongodb://127.0.0.1:1/x", "--", *script(""))
    assert done.code == 4
    assert done.err.endswith("(labq run --offline keeps the record in a folder)\n")


def test_what_cannot_be_imported_is_told(labq, queue, offline, tmp_path, elsewhere):
    empty = tmp_path / "empty"
    empty.mkdir()
    none = labq("import", empty)
    assert (none.code, none.err) == (3, f"labq: {empty}: no offline run is there\n")
    (empty / "task.json").write_text("[1]")
    wrong = labq("import", empty)
    told = f"labq: {empty}/task.json: not the record of an offline run\n"
    assert (wrong.code, wrong.err) == (2, told)
    folder, *_ = offline("")
    two = labq("import", folder, folder, "--into", "1")
    assert (two.code, two.err) == (2, "labq: --into takes one folder at a time\n")
    labq("task", "submit", "--cmd", "true")
    queue.store.update({}, _running())
    refused = labq("import", folder, "--into", "1")
    assert (refused.code, refused.err) == (5, "labq: cannot import into task 1: it is running\n")
    labq("task", "submit", "--", "--lr", "0.1")
    other = labq("import", folder, "--into", "2")
    told = f"the run had other args (labq import {folder} makes it a task of its own)"
    assert (other.code, other.err) == (5, f"labq: cannot import into task 2: {told}\n")
    shutil.rmtree(folder)


def test_the_task_to_import_into_is_looked_for_in_the_queue_of_the_settings(
    labq, queue, offline, elsewhere, monkeypatch
):
    folder, *_ = offline("")
    monkeypatch.setenv("LABQ_QUEUE", "mine")
    labq("task", "submit", "--name", "there", "--cmd", "true")
    done = labq("import", folder, "--into", "there")
    assert done.err == f"task 1 in queue mine ({queue.store.address}): success\n"


def _running():
    from labq.store import Change

    return Change(set={"status": "running"})


SHELL = """
import subprocess, sys
labq = [sys.executable, "-m", "labq", "task"]
subprocess.run([*labq, "progress", "62.5"], check=True)
assert subprocess.run([*labq, "progress", "101"]).returncode == 2
subprocess.run([*labq, "report", "acc=0.5"], check=True)
"""


def test_the_commands_of_a_job_write_in_the_folder_too(offline, labq, queue):
    folder, code, _, err = offline(SHELL)
    assert code == 0, err
    assert "labq: progress must be a percentage from 0 to 100, not 101\n" in err
    assert labq("import", folder).code == 0
    task = queue.get("1")
    assert (task["progress"], task["summary"]) == (62.5, {"acc": 0.5})


ID = "0123456789abcdef" * 2
WHOLE = {
    "_id": ID,
    "queue": "default",
    "args": {},
    "cwd": "/",
    "attempt": 1,
    **dict.fromkeys(("created_at", "queued_at", "started_at"), "2026-11-21T08:00:00+00:00"),
}


@pytest.mark.parametrize(
    "record",
    [
        '{"_id": "0123',  # cut off
        json.dumps({"_id": ID}),
        json.dumps({**WHOLE, "_id": "../../elsewhere"}),
        json.dumps({**WHOLE, "_id": 4}),
        json.dumps({**WHOLE, "started_at": "yesterday"}),
        json.dumps({**WHOLE, "created_at": None}),
        "[" * 5000,
    ],
)
def test_a_record_that_is_no_whole_one_is_refused(labq, queue, tmp_path, record):
    (tmp_path / "task.json").write_text(record)
    (tmp_path / "lines.jsonl").touch()
    told = f"labq: {tmp_path}/task.json: not the record of an offline run\n"
    done = labq("import", tmp_path)
    assert (done.code, done.err) == (2, told)
    assert tasks(queue) == []


@pytest.mark.parametrize("line", ["[1]", '{"at": 4}', '{"summary": 3}', "[" * 5000 + "]" * 5000])
def test_lines_that_no_run_told_are_refused(labq, queue, tmp_path, line):
    (tmp_path / "task.json").write_text(json.dumps(WHOLE))
    (tmp_path / "lines.jsonl").write_text(f"{line}\n")
    told = f"labq: {tmp_path}/lines.jsonl: not the record of an offline run\n"
    done = labq("import", tmp_path)
    assert (done.code, done.err) == (2, told)
    assert tasks(queue) == []


def test_one_that_cannot_be_brought_in_keeps_none_of_the_others_from_it(labq, queue, tmp_path):
    (tmp_path / "task.json").write_text(json.dumps(WHOLE))
    nothing = tmp_path / "nothing"
    lost = labq("import", nothing, tmp_path, tmp_path)
    assert (lost.code, lost.ids) == (3, [])
    assert lost.err.splitlines() == [
        f"labq: {nothing}: no offline run is there",
        *[f"labq: {tmp_path}/lines.jsonl: what the run told is not there"] * 2,
    ]
    (tmp_path / "lines.jsonl").touch()
    done = labq("import", nothing, tmp_path, "-q")
    assert (done.code, done.ids) == (3, [ID])
    assert queue.get("1")["reason"] == "its process was killed"


def test_a_file_whose_copy_was_interrupted_is_copied_again(
    labq, queue, offline, elsewhere, monkeypatch
):
    folder, *_ = offline("print('hello')")
    real = shutil.copy2

    def interrupted(source, place):
        with open(place, "w") as file:
            file.write("hel")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", interrupted)
    assert labq("import", folder).code == 130
    monkeypatch.setattr(shutil, "copy2", real)
    assert labq("import", folder, "-q").code == 0
    assert (elsewhere / "tasks" / folder.name / "1.stdout").read_text() == "hello\n"
