"""`labq task submit --file` and `--key`: many tasks at once, and none of them twice."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import suppress

import pytest
from waiting import until

from labq.cli.task import bulk


@pytest.fixture
def sheet(tmp_path):
    """Writes a file of tasks; gives its name."""

    def write(*lines):
        (tmp_path / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return "runs.jsonl"

    return write


def seeds(count):
    return [json.dumps({"seed": at}) for at in range(count)]


def args(queue):
    return [task["args"] for task in queue.find({"queue": "default"})]


def test_each_line_is_a_task_over_the_args_that_all_share(labq, queue, sheet):
    file = sheet('{"lr": 0.1}', "", "{'opt.name': 'sgd', 'seed': 7}", "  {}  ")
    result = labq(
        *("task", "submit", "--file", file, "--args", '{"opt": {"name": "adam", "b": 1}}'),
        *("--tag", "sweep", "--max-retries", "2", "--no-source", "--", "--seed", "3"),
    )
    assert result.code == 0
    assert args(queue) == [
        {"lr": 0.1, "opt": {"name": "adam", "b": 1}, "seed": 3},
        {"opt": {"name": "sgd", "b": 1}, "seed": 7},
        {"opt": {"name": "adam", "b": 1}, "seed": 3},
    ]
    tasks = list(queue.find({"queue": "default"}))
    assert result.ids == [task["_id"] for task in tasks]
    assert len(set(result.ids)) == 3
    assert result.err == f"added 3 tasks to queue default ({queue.store.address})\n"
    assert tasks[0]["args_signature"] == '["lr","opt.b","opt.name","seed"]'
    assert {(task["tags"][0], task["max_retries"], task["status"]) for task in tasks} == {
        ("sweep", 2, "pending")
    }


def test_a_dash_is_stdin(labq, queue, monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO(b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}'))
    )
    assert len(labq("task", "submit", "--file", "-").ids) == 2
    assert args(queue) == [{"a": 1}, {"a": 2}]


def test_json_is_a_line_for_each_task(labq, queue, sheet):
    file = sheet(*seeds(2))
    made = labq("task", "submit", "--file", file, "--json")
    assert [(one["number"], one["queue"]) for one in made.lines] == [(1, "default"), (2, "default")]
    assert made.err == ""
    keyed = [labq("task", "submit", "--file", file, "--json", "--key", "k").lines for _ in range(2)]
    assert [[one["added"] for one in run] for run in keyed] == [[True, True], [False, False]]
    assert [[one["number"] for one in run] for run in keyed] == [[3, 4], [3, 4]]


def test_an_empty_file_adds_nothing(labq, queue, sheet):
    result = labq("task", "submit", "--file", sheet("", "  "))
    assert (result.code, result.out) == (0, "")
    assert result.err == f"added 0 tasks to queue default ({queue.store.address})\n"
    assert args(queue) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1]", "not a JSON object or a Python dict: [1]"),
        ('{"a": 1', 'not a JSON object or a Python dict: {"a": 1'),
        ('{"a": 1, "a": 2}', "the key 'a' is given twice"),
        ('{"a": NaN}', 'not a JSON object or a Python dict: {"a": NaN}'),
        ('{"$a": 1}', "the key '$a' begins with $, which MongoDB keeps to itself"),
        (f'{{"n": {2**63}}}', f"{2**63} is past 64 bits; to keep it as text"),
        ('{"opt": 3}', "opt clashes with what all lines have: one path cannot hold"),
        ('{"opt.b.c": 3}', "opt: b clashes with what all lines have: one path cannot hold"),
        ('{"long": "' + "x" * 17_000_000 + '"}', "the task is too large: 17,0"),
        ("{}", "the command does not fit: the task lacks lr"),
    ],
    ids=range(10),
)
def test_a_bad_line_is_told_with_its_number_before_anything_is_stored(
    labq, queue, sheet, line, told
):
    file = sheet('{"lr": 1}', "", line, '{"lr": 1}')
    shared = ["--args", '{"opt": {"b": 1}}', "--cmd", "train %(lr)"]
    result = labq("task", "submit", "--file", file, *shared)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"labq: runs.jsonl:3: {told}")
    assert result.err.count("\n") == 1
    assert queue.store.counts() == {}


def test_bytes_that_are_no_text_are_told_with_their_line(labq, queue, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\n{"a": "\xff"}\n')))
    result = labq("task", "submit", "--file", "-")
    assert (result.code, result.err) == (2, "labq: stdin:2: the text is not valid UTF-8\n")
    assert queue.store.counts() == {}


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("nowhere.jsonl", "labq: --file nowhere.jsonl: No such file or directory\n"),
        (".", "labq: --file .: Is a directory\n"),
        ("a\0b", "labq: --file a\\x00b: embedded null byte\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(labq, file, told):
    result = labq("task", "submit", "--file", file)
    assert (result.code, result.err) == (2, told)


def test_the_same_key_adds_nothing_and_prints_the_same_id(labq, queue):
    first = labq("task", "submit", "--key", "night", "--no-source", "--", "--lr", "0.1")
    assert first.err == f"task 1 in queue default ({queue.store.address})\n"
    assert uuid.UUID(hex=first.out.strip()).version == 8
    again = labq("task", "submit", "--key", "night", "--no-source", "--", "--lr", "0.1")
    assert (again.code, again.out) == (0, first.out)
    assert again.err == f"task 1 in queue default ({queue.store.address}) was there already\n"
    assert labq("task", "submit", "--key", "night", "-q").err == ""
    (told,) = labq("task", "submit", "--key", "night", "--json").lines
    assert told == {"_id": first.out.strip(), "number": 1, "queue": "default", "added": False}
    assert args(queue) == [{"lr": 0.1}]


def test_a_key_with_other_args_is_warned_of(labq):
    labq("task", "submit", "--key", "k", "--", "--lr", "0.1")
    result = labq("task", "submit", "--key", "k", "--", "--lr", "0.2")
    assert result.code == 0
    assert result.err.endswith("labq: warning: 1 task of this key has other args\n")


def test_a_key_is_its_queue_s_own(labq):
    ids = {labq("task", "submit", "-q", "--key", "k", "--queue", name).out for name in ("a", "b")}
    ids.add(labq("task", "submit", "-q", "--key", "k1", "--queue", "a").out)
    assert len(ids) == 3


def test_a_task_that_was_deleted_can_be_submitted_again(labq, queue):
    first = labq("task", "submit", "-q", "--key", "k").out
    labq("task", "delete", "1", "--yes")
    assert labq("task", "submit", "-q", "--key", "k").out == first
    assert len(args(queue)) == 1


def test_a_file_with_a_key_is_added_once_whatever_was_there(labq, queue, sheet, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 10)
    where = f"queue default ({queue.store.address})"
    labq("task", "submit", "-q", "--key", "k", "--file", sheet(*seeds(15)))
    more = ("task", "submit", "--no-source", "--key", "k", "--file")
    result = labq(*more, sheet(*seeds(25)))
    assert result.err == f"added 10 tasks to {where}, 15 were there already\n"
    result = labq(*more, sheet('{"seed": "x"}', *seeds(25)[1:]))
    assert result.err == (
        f"added 0 tasks to {where}, 25 were there already\n"
        "labq: warning: 1 task of this key has other args\n"
    )
    assert args(queue) == [{"seed": at} for at in range(25)]
    assert result.ids == [task["_id"] for task in queue.find({"queue": "default"})]


def test_a_run_that_is_killed_in_the_middle_is_done_again_without_a_task_twice(
    labq, queue, process, sheet
):
    file = sheet(*seeds(20_000))
    running = process("task", "submit", "--file", file, "--key", "k")
    printed = running.stdout.readline().strip()
    running.kill()
    running.wait()
    stored = queue.count({"queue": "default"})
    assert 1000 <= stored < 20_000
    assert queue.get(printed)["args"] == {"seed": 0}
    result = labq("task", "submit", "--file", file, "--key", "k")
    assert f"added {20_000 - stored:,} tasks" in result.err
    assert f", {stored:,} were there already\n" in result.err
    assert args(queue) == [{"seed": at} for at in range(20_000)]


@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize(
    ("number", "code", "how"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_tells_how_many_are_stored_which_are_those_whose_ids_are_printed(
    queue, process, sheet, tmp_path, number, code, how, json
):
    with (tmp_path / "ids").open("w") as ids:
        words = ("task", "submit", *json, "--file", sheet(*seeds(30_000)))
        running = process(*words, stdout=ids)
    until(lambda: (tmp_path / "ids").stat().st_size)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    stored = queue.count({"queue": "default"})
    assert running.returncode == code
    assert len((tmp_path / "ids").read_text().splitlines()) == stored
    assert 1000 <= stored < 30_000
    assert err.split("\n")[-2] == (
        f"labq: {how}: {stored:,} of 30,000 tasks are stored: "
        "the same command adds them again (with --key it would not)"
    )


PROGRAM = """
import labq
try:
    labq.Client().submit_many([{"x": x} for x in range(60_000)])
except KeyboardInterrupt as told:
    print(told)
"""


def test_a_program_that_is_interrupted_hears_how_many_are_stored(queue, uri):
    command = [sys.executable, "-c", PROGRAM]
    environment = {**os.environ, "LABQ_URI": uri}
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    until(lambda: queue.count({"queue": "default"}))
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=60)
    stored = queue.count({"queue": "default"})
    assert 1000 <= stored < 60_000
    assert out == f"{stored:,} of 60,000 tasks are stored\n"


def test_a_reader_who_leaves_does_not_keep_tasks_from_being_stored(queue, process, sheet):
    running = process("task", "submit", "--file", sheet(*seeds(5000)))
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=60) == 0
    assert queue.count({"queue": "default"}) == 5000


def test_what_is_stored_is_told_where_a_store_fails_in_the_middle(labq, queue, sheet, monkeypatch):
    from labq.errors import StoreError

    monkeypatch.setattr(bulk, "BATCH", 2)
    submit = type(queue).submit

    def failing(here, tasks):
        if tasks[0]["args"]["seed"] >= 4:
            raise StoreError("the store is away")
        return submit(here, tasks)

    monkeypatch.setattr(type(queue), "submit", failing)
    told = "labq: the store is away; 4 of 6 tasks are stored: the same command adds"
    result = labq("task", "submit", "--file", sheet(*seeds(6)))
    assert (result.code, len(result.ids)) == (4, 4)
    assert result.err == (f"{told} them again (with --key it would not)\n")
    result = labq("task", "submit", "--file", sheet(*seeds(6)), "--key", "k")
    assert result.err == f"{told} the rest\n"


def test_the_tasks_of_a_file_may_wait(labq, queue, sheet):
    labq("task", "submit", "-q")
    assert labq("task", "submit", "--file", sheet(*seeds(3)), "--after", "1").code == 0
    assert queue.count({"queue": "default", "status": "waiting"}) == 3


def test_progress_is_shown_at_a_terminal_where_the_ids_go_elsewhere(process, sheet):
    leader, follower = os.openpty()
    running = process("task", "submit", "--file", sheet(*seeds(2500)), stderr=follower)
    os.close(follower)
    assert len(running.stdout.read().split()) == 2500
    running.wait()
    seen = b""
    with suppress(OSError):  # EIO: the last one at the other end has left
        while block := os.read(leader, 65536):
            seen += block
    os.close(leader)
    assert b"\r1,000 of 2,500\x1b[K\r2,000 of 2,500\x1b[K\r2,500 of 2,500\x1b[K\r\x1b[K" in seen
    assert b"added 2,500 tasks to queue default" in seen
