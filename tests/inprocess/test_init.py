"""`labq.init`: a program as a task, from there to its end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

import pytest
from looping import at_work, ends, tasks

import labq
from labq.errors import StoreError, UsageError
from labq.queue import settings
from labq.queue.recovery import recover
from labq.spool import Spool, bring_in
from labq.store import Change, Now

WAITS = """
import time
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def program(queue, tmp_path, monkeypatch):
    """Starts train.py: `labq.init(**words)` and this code, with these flags."""
    monkeypatch.chdir(tmp_path)
    running = []

    def program(code="", *flags, **words):
        text = f"import labq\ntask = labq.init(**{words!r})\n{code}"
        (tmp_path / "train.py").write_text(text)
        running.append(
            subprocess.Popen(
                [sys.executable, "train.py", *flags],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return running[-1]

    yield program
    for one in running:
        one.kill()
        one.communicate()


def test_the_hook_of_a_queue_is_run_when_the_program_ends(queue, program, tmp_path):
    settings.create(queue.store, "default", {"on_finish": f"touch {tmp_path}/{{task.status}}"})
    assert program().wait(timeout=60) == 0
    assert (tmp_path / "success").exists()
    assert program("raise ValueError").wait(timeout=60) == 1
    assert (tmp_path / "failed").exists()


def test_c1_a_script_that_says_so_is_a_task(queue, program, tmp_path):
    words = {"name": "base", "project": "a/b", "tags": ["x"], "comment": "first"}
    words |= {"args": {"model.depth": 3}, "metadata": {"by": "me"}, "type": "testing"}
    code = "print(task.number, labq.connect({'lr': 0.0})['lr'])\nlabq.report(acc=1)"
    running = program(code, "--lr", "0.1", "--model.name=a", "--fast", **words)
    told = f"labq: task 1 in queue default ({queue.store.address})\n"
    assert running.communicate(timeout=60) == ("1 0.1\n", told)
    (task,) = tasks(queue)
    assert task["args"] == {"lr": 0.1, "model": {"name": "a", "depth": 3}, "fast": True}
    assert {key: task[key] for key in ("name", "project", "tags", "comment", "type")} == {
        key: words[key] for key in ("name", "project", "tags", "comment", "type")
    }
    assert (task["metadata"], task["summary"]) == ({"by": "me"}, {"acc": 1})
    assert (task["cmd"], task["cwd"]) == ([sys.executable, "train.py"], str(tmp_path))
    assert task["source"]["entry_point"] == "train.py"
    (attempt,) = task["attempts"]
    assert attempt["argv"] == [
        *(sys.executable, "train.py"),
        *("--lr", "0.1", "--model.name=a", "--fast"),
    ]
    assert (task["status"], "lease" in task, at_work(queue)) == ("success", False, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"queue": 5}, "--queue: queue must be a text, not of type int"),
        ({"uri": 5}, "--uri: uri must be a text, not of type int"),
        ({"args": 5}, "args must be a dict, not 5"),
        ({"name": 5}, "name must be a text, not 5"),
        ({"comment": ["x"]}, "comment must be a text, not ['x']"),
    ],
)
def test_a_wrong_word_is_refused(queue, words, told):
    with pytest.raises(UsageError) as caught:
        labq.init(**words)
    assert str(caught.value) == told
    assert tasks(queue) == []


def test_c2_each_time_it_is_a_new_task_whatever_it_is_called(queue, program):
    for _ in range(2):
        assert program("assert labq.init('other').number == task.number", name="base").wait(60) == 0
    assert [(task["number"], task["name"]) for task in tasks(queue)] == [(1, "base"), (2, "base")]


def test_c2_in_a_job_it_is_the_jobs_own_task(queue, program):
    program("", "--lr", "1").wait(60)
    queue.requeue({"number": 1})
    command = [sys.executable, "-m", "labq", "worker", "run"]
    subprocess.run(command, check=True, capture_output=True)
    assert [(task["number"], task["attempt"], task["status"]) for task in tasks(queue)] == [
        (1, 2, "success")
    ]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(0)", 0, ""),
        ("import sys; sys.exit(3)", 3, "exit code 3"),
        ("exit(3)", 3, "exit code 3"),
        ("quit(-1)", 255, "exit code 255"),
        ("import sys; sys.exit('no data')", 1, "no data"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("exit(code=4)", 4, "exit code 4"),
        ("import sys; sys.exit(1 << 64)", 255, "exit code 255"),
        ("import argparse; argparse.ArgumentParser().error('x')", 2, "exit code 2"),
        ("try: exit(3)\nexcept SystemExit: pass", 0, ""),
        ("import atexit; atexit.register(exit, 3)", 0, ""),
        ("import sys; sys.excepthook = print\n1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("import threading, sys; threading.Thread(target=sys.exit, args=(3,)).start()", 0, ""),
        ("import os\nif pid := os.fork(): os.waitpid(pid, 0)\nelse: exit(5)", 0, ""),
    ],
)
def test_c38_it_ends_as_its_program_does(queue, program, code, status, reason):
    running = program(code)
    _, err = running.communicate(timeout=60)
    assert running.returncode == status
    assert ends(queue) == [("failed" if reason else "success", reason)]
    if reason:
        assert err.startswith(f"task 1 failed: {reason}\n") or "\ntask 1 failed: " in err
        assert tasks(queue)[0]["errors"][0]["message"] == reason
    if "1 / 0" in code:
        told = tasks(queue)[0]["errors"][0]["traceback"]
        assert told.startswith("Traceback (most recent call last):\n")
        assert "in <module>\n    1 / 0\n" in told
    else:
        assert tasks(queue)[0]["attempts"][0].get("exit_code", 0) == status


def test_no_exception_makes_it_a_task_for_others(queue, program):
    assert program("raise GeneratorExit").wait(60) == 1
    assert ends(queue) == [("failed", "GeneratorExit")]


@pytest.mark.parametrize(
    ("name", "code"), [("SIGINT", -2), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGXCPU", 152)]
)
def test_c38_a_signal_cancels_it(queue, program, name, code):
    running = program(WAITS)
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.Signals[name])
    assert running.wait(60) == code
    assert ends(queue) == [("cancelled", f"stopped by {name}")]
    assert at_work(queue) == []


def test_c38_a_signal_that_comes_as_it_begins_cancels_it(queue):
    code = """
import os
import labq
from labq.worker.own import OwnShift
claim = OwnShift.claim
def late(shift, *given):
    found = claim(shift, *given)
    os.kill(os.getpid(), 15)
    shift.stopping.wait()
    return found
OwnShift.claim = late
labq.init()
"""
    running = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert running.returncode == 143
    assert ends(queue) == [("cancelled", "the worker was stopped")]


def test_a_cancel_interrupts_it(queue, program):
    code = "labq.on_stop(lambda: print('bye', flush=True))\n" + WAITS
    running = program(code)
    assert running.stdout.readline() == "ready\n"
    queue.cancel({"number": 1}, "not needed")
    out, err = running.communicate(timeout=60)
    assert (out, running.returncode) == ("bye\n", 1)
    assert "Interrupted: cancelled" in err
    assert ends(queue) == [("cancelled", "not needed")]


def test_one_that_was_killed_has_failed_when_its_lease_is_over(queue, program):
    running = program(WAITS)
    assert running.stdout.readline() == "ready\n"
    running.kill()
    running.wait(60)
    assert ends(queue) == [("running", "")]
    queue.store.update({"number": 1}, Change(set={"lease.expires_at": Now(-1)}))
    recover(queue.store, queue.name)
    ((status, reason),) = ends(queue)
    assert status == "failed"
    assert reason.endswith(" was lost, and with it the run that it was for")


def test_c5_without_a_store_its_record_is_kept_in_a_folder(queue, program, tmp_path, monkeypatch):
    monkeypatch.setenv("LABQ_OFFLINE", "1")
    code = "labq.report(acc=1); labq.progress(50)\nif task.args['n']: 1 / task.args['zero']"
    for flags in (["--n", "0"], ["--n", "1", "--zero", "0"]):
        _, err = program(code, *flags, name="away").communicate(timeout=60)
        assert re.match(r"labq: the record is (\S+) \(labq import \1\)\n", err)
    running = program(WAITS, name="away")
    assert running.stdout.readline() == "ready\n"
    running.terminate()
    assert running.wait(60) == 143
    assert tasks(queue) == []
    home = tmp_path / "home"
    spools = sorted((Spool(folder) for folder in (home / "offline").iterdir()), key=_began)
    for spool in spools:
        bring_in(queue, spool, home)
    told = ["", "ZeroDivisionError: division by zero", "stopped by SIGTERM"]
    assert ends(queue) == list(zip(["success", "failed", "cancelled"], told, strict=True))
    first = tasks(queue)[0]
    assert (first["name"], first["args"], first["summary"]) == ("away", {"n": 0}, {"acc": 1})
    assert (first["progress"], first["source"]["entry_point"]) == (50, "train.py")
    assert tasks(queue)[1]["errors"][0]["traceback"].startswith("Traceback")


def test_a_process_that_an_offline_run_has_forked_does_not_end_it(
    queue, program, tmp_path, monkeypatch
):
    monkeypatch.setenv("LABQ_OFFLINE", "1")
    code = "import os\nparent = os.getpid()\n"
    code += "if not os.fork():\n    while os.getppid() == parent: pass\n    1 / 0"
    assert "ZeroDivisionError" in program(code).communicate(timeout=60)[1]
    (folder,) = (tmp_path / "home" / "offline").iterdir()
    bring_in(queue, Spool(folder), tmp_path / "home")
    assert ends(queue) == [("success", "")]


def test_a_second_ctrl_c_does_not_keep_the_end_of_an_offline_run_from_its_folder(
    queue, program, tmp_path, monkeypatch
):
    monkeypatch.setenv("LABQ_OFFLINE", "1")
    code = "import os\nfrom labq.inprocess import recorded\nreal = recorded.told\n"
    code += "recorded.told = lambda *given: (os.kill(os.getpid(), 2), real(*given))\n"
    assert program(code + "raise KeyboardInterrupt").wait(60) == -2
    (folder,) = (tmp_path / "home" / "offline").iterdir()
    bring_in(queue, Spool(folder), tmp_path / "home")
    assert ends(queue) == [("cancelled", "stopped by SIGINT")]


def test_c38_a_signal_that_comes_as_an_offline_run_begins_cancels_it(queue, tmp_path, monkeypatch):
    monkeypatch.setenv("LABQ_OFFLINE", "1")
    code = "import os\nimport labq\nfrom labq.spool import Spool\n"
    code += "Spool.record = lambda *given, ours: os.kill(os.getpid(), 15)\nlabq.init()"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 143
    (folder,) = (tmp_path / "home" / "offline").iterdir()
    bring_in(queue, Spool(folder), tmp_path / "home")
    assert ends(queue) == [("cancelled", "stopped by SIGTERM")]


def _began(spool):
    return spool.task()["started_at"]


def test_a_store_that_is_down_is_told_and_the_folder_named(queue, monkeypatch):
    monkeypatch.setenv("LABQ_URI", "mongodb://127.0.0.1:1/labq?serverSelectionTimeoutMS=100")
    with pytest.raises(StoreError, match=r"\(LABQ_OFFLINE=1 keeps the record in a folder\)$"):
        labq.init()


def test_it_is_for_the_main_thread(queue):
    faults = []

    def begin():
        try:
            labq.init()
        except UsageError as error:
            faults.append(str(error))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    told = "labq.init: call it in the main thread, which alone hears of signals"
    assert faults == [told]
    assert tasks(queue) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"type": "cooking"}, "cooking"),
        ({"args": {"a": 1, "a.b": 2}}, "a and a.b clash"),
        ({"queue": "a b"}, "'a b' is not a queue name"),
    ],
)
def test_a_wrong_word_stores_nothing(queue, words, told):
    with pytest.raises(UsageError, match=told):
        labq.init(**words)
    assert tasks(queue) == []
