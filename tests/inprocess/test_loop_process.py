"""`labq.loop` in scripts of their own: how a program ends, and what is left of its tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from looping import at_work, ends, tasks

from labq.model.task import new
from labq.store import Change

HEAVY = {"typer", "rich", "pymongo", "bson", "prompt_toolkit", "yaml", "dateparser"}
PLAIN = "import labq, os, sys, time\n"


@pytest.fixture
def submit(queue):
    def submit(count=1, **fields):
        return queue.submit([new({"x": x}, **fields) for x in range(count)])

    return submit


@pytest.fixture
def script(uri, tmp_path):
    """Starts a script of this text on the same store; those that run still are killed."""
    started = []

    def start(text, *args):
        path = tmp_path / f"script{len(started)}.py"
        path.write_text(PLAIN + text)
        environment = {**os.environ, "LABQ_URI": uri, "LABQ_HOME": str(tmp_path / "home")}
        started.append(
            subprocess.Popen(
                [sys.executable, str(path), *args],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for one in started:
        with one:
            one.kill()


def done(process):
    """(exit code, stdout, stderr) of a script that ends by itself."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def running(process):
    """Waits until the script's body says so."""
    assert process.stdout.readline() == "running\n", process.stderr.read()


# -- a script's end -------------------------------------------------------------------------------


def test_a_script_drains_the_queue_and_leaves_nothing(queue, submit, script):
    submit(3)
    text = """
import threading
for task in labq.loop(required=["x"]):
    print(task.args["x"])
print([one.name for one in threading.enumerate() if one.name == "labq"])
"""
    assert done(script(text)) == (0, "0\n1\n2\n[]\n", "")
    assert ends(queue) == [("success", "")] * 3
    assert at_work(queue) == []


PLAIN_LOOP = """
for task in labq.loop():
    raise ValueError("bad")
"""
IN_A_FUNCTION = """
def main():
    try:
        for task in labq.loop():
            with open(os.devnull):
                train(
                    task)
    finally:
        print("cleaned up")

def train(task):
    raise ValueError("bad")

main()
"""
BY_HAND = """
tasks = iter(labq.loop())
next(tasks)
raise ValueError("bad")
"""


@pytest.mark.parametrize("text", [PLAIN_LOOP, IN_A_FUNCTION, BY_HAND])
def test_an_exception_that_ends_the_program_is_the_tasks_failure(queue, submit, script, text):
    submit(2)
    code, _, err = done(script(text))
    assert code == 1
    assert err.startswith("task 1 failed: ValueError: bad\nTraceback (most recent call last):\n")
    assert err.endswith("ValueError: bad\n")
    assert err.count("Traceback") == 1
    assert ends(queue) == [("failed", "ValueError: bad"), ("pending", "")]
    (error,) = tasks(queue)[0]["errors"]
    assert err.endswith(f"{error['traceback']}\n")
    assert at_work(queue) == []


def test_the_command_line_shows_the_traceback(queue, submit, script, uri):
    submit()
    done(script(PLAIN_LOOP))
    command = [sys.executable, "-m", "labq", "task", "show", "1", "--uri", uri]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    assert "Traceback (most recent call last):" in shown
    assert 'raise ValueError("bad")' in shown


AFTER_A_BREAK = """
for task in labq.loop():
    break
raise ValueError("of the plot")
"""
AFTER_ANOTHER = """
def main():
    try:
        for task in labq.loop():
            raise KeyError
    except KeyError:
        pass
    raise ValueError("of the plot")
main()
"""
LEFT_AND_DONE = """
for task in labq.loop():
    if task.number == 1:
        break
print("over")
"""
EXITS = """
for task in labq.loop():
    sys.exit(3)
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [(AFTER_A_BREAK, 1), (AFTER_ANOTHER, 1), (LEFT_AND_DONE, 0), (EXITS, 3)],
)
def test_a_task_whose_loop_was_left_is_given_back_at_the_end(queue, submit, script, text, code):
    submit()
    assert done(script(text))[0] == code
    assert ends(queue) == [("pending", "its loop was left")]
    assert tasks(queue)[0]["retries"] == 0
    assert at_work(queue) == []


def test_an_own_hook_for_exceptions_still_has_its_say(queue, submit, script):
    submit()
    text = "sys.excepthook = lambda *given: print('mine', given[1])\n" + PLAIN_LOOP
    code, out, _ = done(script(text))
    assert (code, out) == (1, "mine bad\n")
    assert ends(queue) == [("failed", "ValueError: bad")]


# -- signals --------------------------------------------------------------------------------------

SLEEPS = """
for task in labq.loop():
    print("running", flush=True)
    while True:  # in short: a signal just before a wait is seen after it
        time.sleep(0.05)
"""
CALLED = """
@labq.loop()
def train(task):
    print("running", flush=True)
    while True:
        time.sleep(0.05)
train()
"""


@pytest.mark.parametrize("text", [SLEEPS, CALLED])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -2), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGUSR1, 138)],
)
def test_a_signal_gives_the_task_back_at_no_cost(queue, submit, script, text, number, code):
    submit(2)
    process = script(text)
    running(process)
    process.send_signal(number)
    assert done(process)[0] == code
    assert ends(queue) == [("pending", "the worker was stopped"), ("pending", "")]
    assert tasks(queue)[0]["retries"] == 0
    assert at_work(queue) == []


def test_handlers_of_the_programs_own_stand_and_what_it_ignores_too(queue, submit, script):
    submit()
    text = """
import faulthandler, signal
faulthandler.register(signal.SIGUSR1, file=sys.stdout)  # in C: Python does not know of it
signal.signal(signal.SIGUSR2, lambda *_: print("mine", flush=True))
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
for task in labq.loop():
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
        os.kill(os.getpid(), number)
"""
    code, out, err = done(script(text))
    assert (code, err) == (0, "")
    assert "(most recent call first):\n" in out
    assert out.endswith("mine\n")
    assert ends(queue) == [("success", "")]


def test_a_handler_that_a_body_has_set_outlives_the_loop(queue, submit, script):
    submit()
    text = """
import signal
for task in labq.loop():
    labq.on_stop(lambda: print("never"))
os.kill(os.getpid(), signal.SIGTERM)
"""
    assert done(script(text)) == (-signal.SIGTERM, "", "")
    assert ends(queue) == [("success", "")]


def test_the_tasks_of_a_process_that_was_killed_are_taken_up_again(queue, submit, script):
    submit()
    process = script(SLEEPS.replace("loop()", "loop(lease=1, heartbeat=0.2)"))
    running(process)
    process.kill()
    text = "for task in labq.loop(idle_timeout=30, max_tasks=1): print(task.attempt)"
    assert done(script(text)) == (0, "2\n", "")
    (task,) = tasks(queue)
    assert (task["status"], task["crashes"], task["retries"]) == ("success", 1, 0)


def test_a_frozen_process_does_not_finish_what_another_has_taken_up(queue, submit, script):
    submit()
    text = """
for task in labq.loop(lease=1, heartbeat=0.2):
    try:
        print("running", flush=True)
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt as stop:
        print("told:", stop)
"""
    process = script(text)
    running(process)
    process.send_signal(signal.SIGSTOP)
    other = script(SLEEPS.replace("loop()", "loop(forever=True)"))
    running(other)
    process.send_signal(signal.SIGCONT)
    code, out, err = done(process)
    assert (code, out) == (0, "told: the lease was lost\n")
    assert "task 1 lost: the lease was lost\n" in err
    (task,) = tasks(queue)
    assert (task["status"], task["attempt"], task["lease"]["worker"].split("-")[-2]) == (
        "running",
        2,
        str(other.pid),
    )


# -- stops ----------------------------------------------------------------------------------------


def test_a_cancel_ends_a_plain_loop_and_its_program(queue, submit, script):
    submit(2)
    process = script(SLEEPS)
    running(process)
    queue.cancel({"queue": "default", "number": 1}, reason="too slow")
    code, _, err = done(process)
    assert code == 1
    assert err.startswith("task 1 cancelled: too slow\nTraceback (most recent call last):\n")
    assert err.endswith("Interrupted: cancelled\n")
    assert ends(queue) == [("cancelled", "too slow"), ("pending", "")]


HEEDLESS = """
for task in labq.loop(lease=2, heartbeat=0.1):
    while True:
        try:
            print("running", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            pass
"""


def test_a_process_that_holds_on_to_a_lost_task_is_killed(queue, submit, script):
    submit()
    process = script(HEEDLESS)
    running(process)
    queue.store.update({"number": 1}, Change(set={"lease.token": "another's"}))
    code, _, err = done(process)
    assert code == -signal.SIGKILL
    assert err == (
        "task 1: the lease was lost, but its code runs on: killing this process, "
        "for another worker may run the task now\n"
    )
    assert ends(queue) == [("running", "")]
    assert at_work(queue) == []


def test_a_cancel_with_a_grace_ends_a_process_that_does_not_heed_it(queue, submit, script):
    submit()
    process = script(HEEDLESS)
    running(process)
    queue.cancel({"queue": "default"}, reason="enough", grace=0.1)
    code, _, err = done(process)
    assert code == -signal.SIGKILL
    assert err == "task 1: cancelled, but its code runs on: killing this process\n"
    assert ends(queue) == [("cancelled", "enough")]


# -- several processes ----------------------------------------------------------------------------


def test_two_processes_run_each_task_once(queue, submit, script):
    submit(40)
    text = """
@labq.loop(heartbeat=0.1, lease=10)
def train(task):
    print(task.number)
    task.report(pid=os.getpid())
train()
"""
    outcomes = [done(process) for process in (script(text), script(text))]
    assert [(code, err) for code, _, err in outcomes] == [(0, "")] * 2
    ran = [int(number) for _, out, _ in outcomes for number in out.split()]
    assert sorted(ran) == list(range(1, 41))
    assert {task["attempt"] for task in tasks(queue)} == {1}
    assert at_work(queue) == []


FORKS = """
for task in labq.loop():
    with task:
        child = os.fork()
        if not child:
            {end}
        print(os.waitpid(child, 0)[1])
"""


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("sys.exit(5)", 5 << 8),
        ("raise ValueError", 1 << 8),
        ("continue", 0),
        ("break", 0),
        ("import signal; signal.raise_signal(signal.SIGTERM)", signal.SIGTERM),
        ("os._exit(0)", 0),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_body_forks_leaves_the_task_alone(queue, submit, script, end, status):
    submit()
    code, out, _ = done(script(FORKS.format(end=end)))
    assert (code, out) == (0, f"{status}\n")
    assert ends(queue) == [("success", "")]
    assert at_work(queue) == []


def test_a_job_of_the_queue_does_not_loop_over_it(queue, submit, script, uri, tmp_path):
    submit()
    path = tmp_path / "job.py"
    path.write_text(PLAIN + "print(list(labq.loop(queue='other')))\nlist(labq.loop())")
    environment = {**os.environ, "LABQ_URI": uri, "LABQ_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "labq", "worker", "run", "--", sys.executable, str(path)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
    assert "UsageError: labq.loop: this process is task 1 of queue 'default' itself: " in ran.stderr
    assert ends(queue) == [("failed", "exit code 1")]


# -- what it costs --------------------------------------------------------------------------------


def test_the_loop_is_imported_without_the_command_line_and_the_other_store(tmp_path):
    text = """
import json, sys, labq
labq.loop
print(json.dumps(sorted(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stdout))
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    assert not [name for name in loaded if name.startswith(("labq.cli", "labq.shell"))]
    assert "sqlite3" not in loaded
