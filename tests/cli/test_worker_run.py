"""`labq worker run`: what runs, with which words, and what the books say afterwards."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest
from books import statuses, submit, tasks, wait_for
from waiting import until

from labq.model.task import new
from labq.queue import WorkerName, claims

SHOW = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]


# -- what runs ------------------------------------------------------------------------------------


def test_a_loop_becomes_a_queue_and_runs_with_exactly_its_flags(labq, queue, tmp_path):
    (tmp_path / "train.py").write_text("import sys; print(sys.argv[1:])")
    for lr in ("0.1", "0.2"):
        for model in "ab":
            labq("task", "submit", "--", "--lr", lr, "--model.name", model)
    result = labq("worker", "run", "--", sys.executable, "train.py")
    assert result.code == 0
    assert result.out.splitlines() == [
        "['--lr', '0.1', '--model.name', 'a']",
        "['--lr', '0.1', '--model.name', 'b']",
        "['--lr', '0.2', '--model.name', 'a']",
        "['--lr', '0.2', '--model.name', 'b']",
    ]
    assert statuses(queue) == ["success"] * 4
    assert result.err.splitlines()[0].startswith("labq: task 1 success in ")
    assert result.err.splitlines()[-1].startswith("labq: 4 success in ")


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (["--", *SHOW], ["--lr", "0.1", "--s", "a b", "--t"]),
        (["--", *SHOW, "--x=%(lr)", "%(s)", "%(t)", "%(n)"], ["--x=0.1", "a b", "True", "None"]),
        (["--", *SHOW, "%(lr)%%", "%(z:dflt)", "%(s)%(t)%(n)"], ["0.1%", "dflt", "a bTrueNone"]),
        (["--", *SHOW, "%(args)"], ['{"lr": 0.1, "n": null, "s": "a b", "t": true}']),
        (["--allow-extra", "--", *SHOW, "%(lr)"], ["0.1"]),
        (
            ["-c", f"{sys.executable} -c 'import sys; print(sys.argv[1:])' %(s) %(lr) %(n) %(t)"],
            ["a b", "0.1", "None", "True"],
        ),
        (
            ["-c", f"true && {sys.executable} -c 'import sys; print(sys.argv[1:])'"],
            ["--lr", "0.1", "--s", "a b", "--t"],
        ),
    ],
)
def test_the_words_of_the_command(labq, queue, options, printed):
    submit(labq, {"lr": 0.1, "n": None, "s": "a b", "t": True})
    result = labq("worker", "run", *options)
    assert (result.code, result.out) == (0, f"{printed}\n")
    assert statuses(queue) == ["success"]


def test_a_task_may_bring_its_own_command(labq, queue):
    labq("task", "submit", "--cmd", "echo own %(x)", "--args", "{'x': 1}")
    labq("task", "submit", "--", "--x", "2")
    result = labq("worker", "run")
    assert result.out == "own 1\n"
    assert statuses(queue) == ["success", "pending"]
    assert (
        "1 task passed over: the worker names no command, and the task has none of its own\n"
        in result.err
    )
    assert labq("worker", "run", "--", "echo", "its").out == "its --x 2\n"


def test_what_the_job_is_told(labq, queue, uri, tmp_path):
    submit(labq, {})
    code = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('LABQ_')}))"
    told = json.loads(labq("worker", "run", "--", sys.executable, "-c", code).out)
    (task,) = tasks(queue)
    assert told["LABQ_TASK_ID"] == task["_id"]
    assert (told["LABQ_TASK_NUMBER"], told["LABQ_QUEUE"], told["LABQ_ATTEMPT"]) == (
        "1",
        "default",
        "1",
    )
    assert told["LABQ_URI"] == uri
    assert told["LABQ_TASK_DIR"] == f"{tmp_path}/home/tasks/{task['_id']}"
    assert os.path.isdir(told["LABQ_TASK_DIR"])


def test_reports_from_within_a_job(labq, queue):
    submit(labq, {})
    python = (
        "import labq; labq.report(acc=0.93, best={'epoch': 3}); labq.report(best={'loss': 1.5})"
    )
    script = (
        f'{sys.executable} -c "{python}" && {sys.executable} -m labq task report shell=yes acc=0.95'
    )
    assert labq("worker", "run", "-c", script).code == 0
    (task,) = tasks(queue)
    assert task["status"] == "success", task
    assert task["summary"] == {"acc": 0.95, "best": {"epoch": 3, "loss": 1.5}, "shell": "yes"}


def test_what_an_attempt_leaves_in_the_books(labq, queue, tmp_path):
    submit(labq, {"x": 1})
    labq("worker", "run", "--quiet", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    (task,) = tasks(queue)
    assert (task["status"], task["reason"]) == ("failed", "exit code 3")
    (record,) = task["attempts"]
    assert record["argv"] == ["sh", "-c", "echo out; echo err >&2; exit 3", "--x", "1"]
    assert record["exit_code"] == 3
    assert {"pid", "wall", "cpu", "max_rss", "worker", "host", "slot", "started", "ended"} <= set(
        record
    )
    assert task["errors"] == [{"attempt": 1, "message": "exit code 3", "stderr": "err"}]
    folder = tmp_path / "home" / "tasks" / task["_id"]
    assert {f.name: f.read_text() for f in folder.iterdir()} == {
        "1.stdout": "out\n",
        "1.stderr": "err\n",
    }


def test_slots_that_retry_each_others_tasks_keep_every_result(labq, queue, tmp_path):
    for _ in range(12):
        labq("task", "submit", "-q", "--max-retries", "3")
    job = 'test "$LABQ_ATTEMPT" = 3 || exit 1; cd "$LABQ_TASK_DIR" && sleep 0.02 && echo done > result'
    assert labq("worker", "run", "-q", "--slots", "3", "--", "sh", "-c", job).code == 0
    assert statuses(queue) == ["success"] * 12
    results = (tmp_path / "home" / "tasks").glob("*/result")
    assert len(list(results)) == 12


def test_an_attempts_record_does_not_fill_the_document(labq, queue):
    words = [word for n in range(15) for word in (f"--k{n}", "x" * 120_000)]
    labq("task", "submit", "-q", "--max-retries", "12", "--", *words)
    assert labq("worker", "run", "-q", "--", "sh", "-c", "exit 1").code == 0
    (task,) = tasks(queue)
    assert (task["status"], task["attempt"]) == ("failed", 13)
    assert sum(map(len, task["attempts"][0]["argv"])) < 5000


def test_a_document_with_no_room_left_still_ends(labq, queue):
    labq("task", "submit", "-q")
    granted = claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    queue.report(granted.task["_id"], granted.token, {"big": "x" * (16 * 2**20 - 1200)})
    ending = claims.Ending(succeeded=False, reason="exit code 1", error={"stderr": "y" * 16_000})
    assert claims.finish(queue.store, granted, ending) == "failed"


def test_what_a_task_puts_into_its_folder_stays(labq, queue, tmp_path):
    labq("task", "submit", "--max-retries", "1")
    script = 'echo "$LABQ_ATTEMPT" >> "$LABQ_TASK_DIR/checkpoint"; test "$LABQ_ATTEMPT" = 2'
    labq("worker", "run", "-q", "--", "sh", "-c", script)
    folder = tmp_path / "home" / "tasks" / tasks(queue)[0]["_id"]
    assert (folder / "checkpoint").read_text() == "1\n2\n"


def test_retries_then_failure(labq, queue):
    labq("task", "submit", "--max-retries", "2")
    result = labq("worker", "run", "--", "sh", "-c", 'test "$LABQ_ATTEMPT" = 3')
    assert statuses(queue) == ["success"]
    assert ": exit code 1 (retry 1 of 2)\n" in result.err
    assert "labq: 2 retried, 1 success in " in result.err
    assert tasks(queue)[0]["retries"] == 2
    labq("task", "submit", "--max-retries", "1")
    labq("worker", "run", "--", "false")
    assert (statuses(queue)[1], tasks(queue)[1]["attempt"]) == ("failed", 2)


def test_a_timeout_fails_the_attempt(labq, queue):
    labq("task", "submit", "--timeout", "100ms")
    labq("worker", "run", "--", "sleep", "60")
    (task,) = tasks(queue)
    assert (task["status"], task["reason"]) == ("failed", "timeout after 0.1 s")
    assert task["attempts"][0]["signal"] == signal.SIGTERM


def test_max_tasks_filter_and_slots(labq, queue):
    submit(labq, *({"x": x} for x in range(6)))
    labq("worker", "run", "-q", "--max-tasks", "2", "-f", "args.x >= 2", "--", "true")
    assert statuses(queue) == ["pending", "pending", "success", "success", "pending", "pending"]
    labq("worker", "run", "-q", "--slots", "3", "--", "true")
    assert statuses(queue) == ["success"] * 6
    assert {task["attempt"] for task in tasks(queue)} == {1}


def test_json_is_a_line_per_attempt(labq, queue):
    submit(labq, {}, {})
    lines = labq("worker", "run", "--json", "--", "echo", "not in the way").lines
    assert [(line["number"], line["status"], line["attempt"]) for line in lines] == [
        (1, "success", 1),
        (2, "success", 1),
    ]


def test_nothing_to_do(labq):
    submit(labq, {})
    labq("task", "cancel", "1")
    result = labq("worker", "run", "--", "true")
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("labq: nothing to run in ")


# -- what does not fit, or does not start ---------------------------------------------------------


def test_what_does_not_fit_is_left_pending_for_a_worker_that_fits(labq, queue):
    submit(labq, {"lr": 1}, {"lr": 1, "seed": 2}, {"seed": 2}, {"opt": {"lr": 1}})
    result = labq("worker", "run", "--", *SHOW, "%(lr)")
    assert result.code == 0
    assert statuses(queue) == ["success", "pending", "pending", "pending"]
    told = "labq: 3 tasks passed over: the worker's command takes exactly the args lr\n"
    assert result.err.count(told) == 1
    assert [(task["attempt"], task["retries"]) for task in tasks(queue)[1:]] == [(0, 0)] * 3
    labq("worker", "run", "-q", "--", *SHOW, "%(lr:0)", "%(seed)")
    assert statuses(queue) == ["success", "success", "success", "pending"]
    labq("worker", "run", "-q", "--", *SHOW)
    assert statuses(queue) == ["success"] * 4


def test_an_own_command_that_an_edit_broke_is_passed_over(labq, queue):
    labq("task", "submit", "--cmd", "echo %(x)", "--args", "{'x': 1}")
    labq("task", "submit", "--cmd", "echo fine")
    labq("task", "update", "-q", "--id", "1", "-u", "args={'y': 2}")
    result = labq("worker", "run")
    assert result.out == "fine\n"
    (first, second) = tasks(queue)
    assert (first["status"], first["retries"], second["status"]) == ("pending", 0, "success")
    assert first["reason"].startswith("passed over: %(x): the task has no such arg")


def test_an_own_command_that_was_mended_is_taken_by_the_worker_that_passed_it_over(
    labq, queue, process
):
    labq("task", "submit", "--cmd", "echo %(x)", "--args", "{'x': 1, 'y': 3}")
    labq("task", "update", "-q", "1", "-u", "args.x!")
    worker = process("worker", "run", "--forever", "--max-tasks", "2")
    until(lambda: queue.get("1").get("reason", "").startswith("passed over: "))
    labq("task", "update", "-q", "1", "-u", "args.x=mended")
    wait_for(queue, "success")
    worker.terminate()
    assert worker.stdout.read() == "mended --y 3\n"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--", "echo", "%(a"], "labq: %(a"),
        (["-c", "echo '%(a)'"], "labq: %(a) "),
        (["-c", "true", "--", "true"], "labq: give -c TEXT or -- COMMAND, not both\n"),
        (["-c", " "], "labq: the shell command is empty\n"),
        (["--", "sh", "-c", "echo %(a)"], "labq: %(a): sh would run what the value holds: "),
        (["-c", "bash -c %(a)"], "labq: %(a): bash would run what the value holds: "),
        (["--", "bash", "-c"], "labq: a task's args would be options of bash itself: "),
        (["-c", "ssh gpu1 train"], "labq: ssh hands its words to a shell, which would run "),
        (["--slots", "0", "--", "true"], "labq: Invalid value for '--slots': "),
        (["--grace", "x", "--", "true"], "labq: --grace: 'x' is not a duration"),
        (["-f", "args.x =", "--", "true"], "labq: "),
        (["python", "train.py", "--lr"], "labq: No such option: --lr"),
    ],
)
def test_a_wrong_worker_claims_nothing(labq, queue, args, told):
    submit(labq, {})
    result = labq("worker", "run", *args)
    assert result.code == 2
    assert result.err.startswith(told)
    assert tasks(queue)[0]["attempt"] == 0


@pytest.mark.parametrize(
    "args",
    [
        ["submit", "--cmd", "sh -c 'echo %(a)'", "--", "--a", "1"],
        ["update", "1", "-u", "cmd=sh -c 'echo %(a)'"],
        ["clone", "1", "--update", "cmd=sh -c 'echo %(a)'"],
    ],
)
def test_a_task_brings_no_command_that_would_run_its_args(labq, queue, args):
    submit(labq, {"a": 1})
    result = labq("task", *args)
    assert result.code == 2
    assert result.err.startswith("labq: %(a): sh would run what the value holds: ")
    assert len(tasks(queue)) == 1


def test_a_stored_command_that_would_run_its_args_is_passed_over(labq, queue):
    queue.submit([{**new({"a": "; touch pwned"}), "cmd": ["sh", "-c", "echo %(a)"]}])
    assert labq("worker", "run").code == 0
    assert statuses(queue) == ["pending"]
    assert queue.get("1")["reason"].startswith("passed over: %(a): sh would run what the value")


def test_a_home_that_cannot_be_written_gives_the_task_back_and_stops_the_worker(
    labq, queue, tmp_path, monkeypatch
):
    submit(labq, {})
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "file"))
    result = labq("worker", "run", "--", "true")
    assert result.code == 4
    assert result.err.endswith(f"labq: {tmp_path}/file: Not a directory\n")
    assert (statuses(queue), tasks(queue)[0]["retries"]) == (["pending"], 0)


@pytest.mark.parametrize(
    ("submitted", "command"),
    [(["--cmd", "no-such-program"], []), ([], ["--", "no-such-program"])],
    ids=["its own command", "the worker's"],
)
def test_tasks_that_cannot_start_fail_with_the_reason_and_three_in_a_row_stop_the_worker(
    labq, queue, submitted, command
):
    for _ in range(5):
        labq("task", "submit", *submitted)
    result = labq("worker", "run", *command)
    assert result.code == 1
    assert "\nlabq: stopped: tasks that could not start, in a row: 3 (--max-start-" in result.err
    assert statuses(queue) == ["failed"] * 3 + ["pending"] * 2
    told = "cannot start no-such-program: no such command, or it may not be run"
    assert tasks(queue)[0]["reason"] == told
    assert tasks(queue)[0]["errors"] == [{"attempt": 1, "message": told}]
