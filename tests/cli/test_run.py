"""`labq run`: a command here and now, in the books like any other task."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from books import statuses, tasks
from waiting import heard, until

from labq.queue import settings

SHOW = "import sys; print(sys.argv[1:]); print('oh', file=sys.stderr)"


@pytest.fixture
def script(tmp_path):
    """Writes train.py."""

    def script(text):
        (tmp_path / "train.py").write_text(text)
        return [sys.executable, "train.py"]

    return script


# -- what is recorded -----------------------------------------------------------------------------


def test_c1_a_script_becomes_a_task_with_its_flags_as_args(labq, queue, script, tmp_path):
    command = script(SHOW)
    words = ["--model.name", "a", "--lr=0.1", "--fast"]
    ended = labq("run", "--name", "base", "--tag", "x", "-P", "a/b", "--", *command, *words)
    assert (ended.code, ended.out) == (0, f"{words}\n")
    first, oh, last = ended.err.splitlines()
    assert first == f"labq: task 1 in queue default ({queue.store.address})"
    assert oh == "oh"
    assert last.startswith("labq: task 1 (base) success in ")
    (task,) = tasks(queue)
    assert task["args"] == {"model": {"name": "a"}, "lr": 0.1, "fast": True}
    assert task["cmd"] == command
    assert (task["name"], task["tags"], task["project"]) == ("base", ["x"], "a/b")
    assert (task["status"], task["cwd"], task["type"]) == ("success", str(tmp_path), "training")
    (attempt,) = task["attempts"]
    assert attempt["argv"] == [*command, *words]
    assert attempt["exit_code"] == 0
    folder = tmp_path / "home" / "tasks" / task["_id"]
    assert (folder / "1.stdout").read_text() == f"{words}\n"
    assert (folder / "1.stderr").read_text() == "oh\n"
    assert all(field in task for field in ("created_at", "queued_at", "started_at", "ended_at"))


def test_the_hook_of_the_queue_is_run(labq, queue, script, tmp_path):
    hook = f"touch {tmp_path}/{{task.number}}-{{task.status}}"
    settings.create(queue.store, "default", {"on_finish": hook})
    assert labq("run", "--", *script("raise SystemExit(3)")).code == 3
    assert (tmp_path / "1-failed").exists()


def test_c2_a_run_of_the_same_name_is_a_task_of_its_own(labq, queue, script):
    for _ in range(2):
        assert labq("run", "-q", "--name", "base", "--", *script("")).code == 0
    assert [(task["number"], task["name"]) for task in tasks(queue)] == [(1, "base"), (2, "base")]


def test_a_task_that_is_run_again_runs_the_same_words(labq, queue, script):
    command = [*script(SHOW), "100%", "%(x)", "-v"]
    assert labq("run", "-q", "--", *command).code == 0
    labq("task", "requeue", "1")
    ended = labq("worker", "run")
    assert ended.out == "['100%', '%(x)', '-v']\n"
    assert statuses(queue) == ["success"]


def test_args_and_metadata_may_be_noted_besides(labq, queue, script):
    labq(
        "run", "-q", "--args", '{"data": "v2"}', "--metadata", "{'by': 'me'}", "-e", "X=1",
        "--comment", "first", "--type", "testing", "--", *script(
            "import os; assert os.environ['X'] == '1'"
        ), "--lr", "1",
    )  # fmt: skip
    (task,) = tasks(queue)
    assert (task["args"], task["metadata"]) == ({"data": "v2", "lr": 1}, {"by": "me"})
    assert (task["comment"], task["type"], task["status"]) == ("first", "testing", "success")


# -- how it ends ----------------------------------------------------------------------------------


def test_c38_the_exit_code_is_the_scripts_and_a_failure_is_told(labq, queue, script):
    ended = labq("run", "--", *script("raise SystemExit(7)"))
    assert ended.code == 7
    assert ended.err.splitlines()[-1].endswith(": exit code 7")
    ended = labq("run", "--", *script("import os; os.kill(os.getpid(), 9)"))
    assert ended.code == 137
    assert [(task["status"], task["reason"]) for task in tasks(queue)] == [
        ("failed", "exit code 7"),
        ("failed", "killed by SIGKILL"),
    ]


def test_c38_an_exception_fails_the_task_with_its_traceback(labq, queue, script):
    assert labq("run", "-q", "--", *script("1 / 0")).code == 1
    assert "ZeroDivisionError" in tasks(queue)[0]["errors"][0]["stderr"]


WAITS = """
import time
open('ready', 'w').close()
while True:
    time.sleep(0.01)
"""
SAVES = """
import time
try:
    open('ready', 'w').close()
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    print('saved')
"""


@pytest.mark.parametrize(
    ("text", "number", "code", "out"),
    [
        (WAITS, signal.SIGTERM, 143, ""),
        (WAITS, signal.SIGHUP, 143, ""),
        (WAITS, signal.SIGUSR1, 143, ""),
        (WAITS, signal.SIGINT, 130, ""),
        (SAVES, signal.SIGINT, 0, "saved\n"),
    ],
)
def test_c38_a_signal_is_passed_on_and_cancels(
    process, queue, script, tmp_path, text, number, code, out
):
    running = process("run", "--", *script(text))
    until((tmp_path / "ready").exists)
    running.send_signal(number)
    assert running.communicate(timeout=60)[0] == out
    assert running.returncode == code
    (task,) = tasks(queue)
    assert task["status"] == "cancelled"
    assert task["reason"] == f"stopped by {number.name}"


DEAF = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print('ready', flush=True)
while True:
    time.sleep(0.01)
"""


def test_c38_ctrl_c_again_stops_and_a_third_one_kills(process, queue, script):
    running = process("run", "--", *script(DEAF))
    assert running.stdout.readline() == "ready\n"
    assert running.stderr.readline().startswith("labq: task 1 in queue default")
    for told in (
        "labq: SIGINT: passed on, waiting for the job to end (again: stop it)\n",
        "labq: SIGINT again: stopping the job (again: kill)\n",
        "labq: SIGINT again: killing the job\n",
    ):
        running.send_signal(signal.SIGINT)
        assert running.stderr.readline() == told
    running.wait(60)
    assert running.returncode == 137
    assert statuses(queue) == ["cancelled"]


def test_c38_a_reader_that_does_not_read_keeps_it_from_no_end(process, queue, tmp_path):
    running = process("run", "--", "yes", stderr=subprocess.DEVNULL)
    home = tmp_path / "home"
    kept = until(lambda: list(home.glob("tasks/*/1.stdout")))[0]
    until(lambda: kept.stat().st_size > 1 << 16)  # what a pipe holds
    for _ in range(2):
        running.send_signal(signal.SIGTERM)
        until(lambda: heard(running))
    assert running.wait(timeout=30) == 143
    assert statuses(queue) == ["cancelled"]


def test_c43_a_cancel_from_elsewhere_reaches_it(process, labq, queue, script, tmp_path):
    running = process("run", "--", *script(WAITS))
    until((tmp_path / "ready").exists)
    assert labq("task", "cancel", "1", "--wait", "--quiet").code == 0
    assert running.wait(60) == 143
    assert statuses(queue) == ["cancelled"]


def test_no_worker_takes_it_meanwhile(process, labq, queue, script, tmp_path):
    running = process("run", "--", *script(WAITS))
    until((tmp_path / "ready").exists)
    assert labq("worker", "run", "--", "true").code == 0
    (task,) = tasks(queue)
    assert (task["status"], task["attempt"]) == ("running", 1)
    running.terminate()
    running.wait(60)


def test_a_job_of_it_reports_like_any_other(labq, queue, script):
    text = "import labq; labq.report(acc=0.5); labq.progress(100); labq.connect({'seed': 1})"
    assert labq("run", "-q", "--", *script(text), "--lr", "1").code == 0
    (task,) = tasks(queue)
    assert (task["summary"], task["progress"]) == ({"acc": 0.5, "config": {"seed": 1}}, 100)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "labq: run what? Write the command after --: labq run -- python train.py\n"),
        (
            ["--", "no-such-program"],
            "labq: no command 'no-such-program': it is not on the PATH, or may not be run\n",
        ),
        (["--cwd", "/no/such", "--", "true"], "labq: --cwd /no/such: no such folder\n"),
        (["--env", "X", "--", "true"], "labq: --env X: write KEY=VALUE\n"),
    ],
)
def test_what_cannot_be_run_is_not_recorded(labq, queue, words, told):
    ended = labq("run", *words)
    assert (ended.code, ended.err) == (2, told)
    assert tasks(queue) == []
