"""The verbs between runs: enqueue, dequeue, reset, publish, tag, progress; what they leave and why."""

from __future__ import annotations

import pytest
from books import statuses, submit
from waiting import gone, until

from labq.queue import Ending, WorkerName, claims
from labq.store import Change


@pytest.fixture
def each(labq, queue):
    """A draft, a pending task, a running one, a success, a failure, and one that is published."""
    submit(labq, *({"n": n} for n in range(1, 7)))
    for number, succeeded in ((4, True), (5, False), (6, True)):
        claim = claimed(queue, number)
        claims.finish(queue.store, claim, Ending(succeeded=succeeded))
    claimed(queue, 3)
    labq("task", "dequeue", "1")
    labq("task", "publish", "6")


def claimed(queue, number):
    query = {"queue": "default", "number": number}
    return claims.claim(queue.store, query, WorkerName("w", "h"), 60)


ELSEWHERE = "labq: what they left on other machines stays there, in LABQ_HOME/tasks: h (1)"
TAKEN = [
    ("enqueue", [], 1, "enqueued 1 task\n", "pending"),
    ("dequeue", [], 2, "dequeued 1 task\n", "draft"),
    ("requeue", [], 5, "requeued 1 task\n", "pending"),
    ("reset", ["--yes"], 4, f"{ELSEWHERE}\nreset 1 task\n", "draft"),
    ("publish", [], 4, "published 1 task\n", "success"),
    ("publish", ["--force"], 5, "published 1 task\n", "failed"),
]


@pytest.mark.parametrize(("verb", "flags", "number", "told", "becomes"), TAKEN)
def test_a_task_that_is_named_is_moved(labq, queue, each, verb, flags, number, told, becomes):
    result = labq("task", verb, number, *flags)
    assert (result.code, result.out, result.err) == (0, "", told)
    assert queue.get(str(number))["status"] == becomes


REFUSED = [
    ("enqueue", [], 3, "enqueue task 3: it is running (a worker has it already)"),
    ("enqueue", [], 4, "enqueue task 4: it is success (labq task requeue runs it again)"),
    ("dequeue", [], 3, "dequeue task 3: it is running (labq task cancel stops it)"),
    ("dequeue", [], 5, "dequeue task 5: it is failed (labq task reset makes it draft again)"),
    ("requeue", [], 1, "requeue task 1: it is draft (labq task enqueue makes it pending)"),
    ("reset", ["--yes"], 2, "reset task 2: it is pending (labq task dequeue makes it draft)"),
    ("reset", [], 6, "reset task 6: it is published (clone it instead)"),
    ("publish", [], 5, "publish task 5: it is failed (--force publishes it all the same)"),
    (
        "publish",
        ["--force"],
        1,
        (
            "publish task 1: it is draft"
            " (labq task update 1 -u publish_on_success=True publishes it on success)"
        ),
    ),
    ("cancel", [], 6, "cancel task 6: it is published (clone it instead)"),
    (
        "delete",
        ["--yes"],
        3,
        "delete task 3: it is running (labq task cancel stops it, --force deletes it all the same)",
    ),
    ("delete", [], 6, "delete task 6: it is published (--force deletes it all the same)"),
    ("tag", ["+a"], 6, "tag task 6: it is published (clone it instead)"),
]


@pytest.mark.parametrize(("verb", "flags", "number", "told"), REFUSED)
def test_a_task_that_is_named_is_refused_with_what_would_work(
    labq, queue, each, verb, flags, number, told
):
    before = queue.get(str(number))
    result = labq("task", verb, number, *flags)
    assert (result.code, result.out, result.err) == (5, "", f"labq: cannot {told}\n")
    assert queue.get(str(number)) == before


THERE = [
    ("enqueue", 2, "enqueued 0 tasks, 1 pending already\n"),
    ("dequeue", 1, "dequeued 0 tasks, 1 draft already\n"),
    ("reset", 1, "reset 0 tasks, 1 draft already\n"),
    ("publish", 6, "published 0 tasks, 1 published already\n"),
]


@pytest.mark.parametrize(("verb", "number", "told"), THERE)
def test_to_do_it_twice_is_no_mistake(labq, each, verb, number, told):
    result = labq("task", verb, number)
    assert (result.code, result.err) == (0, told)


def test_of_several_that_are_named_those_that_can_are_moved(labq, queue, each):
    result = labq("task", "dequeue", "1", "2", "3")
    assert result.code == 5
    assert result.err == (
        "dequeued 1 task, 1 draft already\n"
        "labq: cannot dequeue task 3: it is running (labq task cancel stops it)\n"
    )
    assert queue.get("2")["status"] == "draft"
    assert labq("task", "dequeue", "3", "4", "5").err == (
        "labq: cannot dequeue 3 tasks: 1 is running (labq task cancel stops it),"
        " 1 is success (labq task reset makes it draft again),"
        " 1 is failed (labq task reset makes it draft again)\n"
    )


def test_a_filter_moves_those_that_can_and_tells_of_the_others(labq, queue, each):
    result = labq("task", "publish", "-f", "args.n > 2")
    assert (result.code, result.err) == (
        0,
        (
            "published 1 task, left 3: 1 running (labq task publish takes it once it has ended),"
            " 1 failed (--force publishes it all the same), 1 published (clone it instead)\n"
        ),
    )
    result = labq("task", "dequeue", "-f", "{}", "--json")
    assert (result.code, result.err) == (0, "")
    states = {"draft": 1, "running": 1, "failed": 1, "published": 2}
    assert result.lines == [{"dequeued": 1, "left": 5, "states": states}]


def test_what_changes_meanwhile_is_told(labq, queue, each, monkeypatch):
    monkeypatch.setattr("labq.queue.Queue.enqueue", lambda *_: 0)
    assert labq("task", "enqueue", "-f", "args.n == 1").err == (
        "enqueued 0 tasks, left 1: 1 changed meanwhile\n"
    )
    result = labq("task", "enqueue", "1")
    assert (result.code, result.err) == (
        5,
        "labq: cannot enqueue 1 task: 1 is changed meanwhile\n",
    )


def test_what_cannot_be_undone_needs_a_yes(labq, queue, each):
    for verb, told in (
        ("reset", "this deletes what came of 2 tasks"),
        ("delete", "this removes 4 tasks for good"),
    ):
        result = labq("task", verb, "-f", "{}", "-q")
        assert (result.code, result.err) == (2, f"labq: {told}: add --yes\n")
    assert len(statuses(queue)) == 6


def test_a_reset_takes_the_folder_of_the_output_along(labq, tmp_path):
    submit(labq, {})
    labq("worker", "run", "-q", "--", "sh", "-c", "echo spoken")
    assert list((tmp_path / "home" / "tasks").iterdir())
    labq("task", "reset", "1", "--yes", "-q")
    assert list((tmp_path / "home" / "tasks").iterdir()) == []


TAGS = [
    (["+a", "+b"], ["a", "b", "old"]),
    (["-old"], []),
    (["-old", "+new"], ["new"]),
    (["--add", "x", "--remove", "old"], ["x"]),
    (["+f", "+s"], ["f", "old", "s"]),
    (["+-x", "--remove=f"], ["-x", "old"]),
]


@pytest.mark.parametrize(("words", "tags"), TAGS)
def test_tags_come_and_go(labq, queue, words, tags):
    labq("task", "submit", "-q", "--tag", "old")
    assert labq("task", "tag", "1", *words).err == "tagged 1 task\n"
    assert sorted(queue.get("1").get("tags", [])) == tags


def test_many_are_tagged_by_a_filter_wherever_they_stand(labq, queue, each):
    assert labq("task", "tag", "-f", "args.n > 1", "-q", "+x").err == ""
    assert labq("task", "tag", "+y", "-f", "args.n < 3", "-x").err == "tagged 2 tasks\n"
    found = [task.get("tags", []) for task in queue.find({"queue": "default"})]
    assert found == [["y"], ["y"], ["x"], ["x"], ["x"], []]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["1"], "tag them with what? Give +TAG or -TAG"),
        (["1", "+a", "-a"], "+a and -a: give one of them"),
        (["1", "+"], "tags must be a list of words, not '[\"\"]'"),
        (["+a"], "tag what? Give REF..., -s, --name or -f (every task: -f '{}')"),
    ],
)
def test_tags_that_make_no_sense(labq, words, told):
    submit(labq, {})
    result = labq("task", "tag", *words)
    assert (result.code, result.err) == (2, f"labq: {told}\n")


def test_a_job_tells_how_far_it_is_by_the_token_of_its_lease(labq, queue, monkeypatch):
    submit(labq, {})
    claim = claimed(queue, 1)
    monkeypatch.setenv("LABQ_TASK_ID", claim.task["_id"])
    monkeypatch.setenv("LABQ_TOKEN", claim.token)
    assert labq("task", "progress", "62.5").err == ""
    assert queue.get("1")["progress"] == 62.5
    assert labq("task", "progress", "70", "--json").lines == [
        {"_id": claim.task["_id"], "progress": 70}
    ]
    monkeypatch.setenv("LABQ_TOKEN", "another")
    result = labq("task", "progress", "80")
    assert (result.code, result.err) == (
        5,
        "labq: the progress is refused: this attempt no longer holds the task's lease\n",
    )
    assert queue.get("1")["progress"] == 70


PROGRESS = [
    (["3", "40"], 0, ""),
    (["3", "101"], 2, "labq: progress must be a percentage from 0 to 100, not 101\n"),
    (["3", "half"], 2, "labq: progress must be a percentage from 0 to 100, not 'half'\n"),
    (["40"], 2, "labq: this is not a labq task: name one, labq task progress REF 40\n"),
    (["3", "4", "5"], 2, "labq: progress takes one task and one percentage, such as 62.5\n"),
    (
        ["2", "40"],
        5,
        (
            "labq: cannot set the progress of task 2: it is pending"
            " (a worker runs it first: labq worker run)\n"
        ),
    ),
]


@pytest.mark.parametrize(("words", "code", "told"), PROGRESS)
def test_progress_of_a_task_that_is_named(labq, each, words, code, told):
    result = labq("task", "progress", *words)
    assert (result.code, result.err) == (code, told)


def test_the_newest_of_a_name_is_the_one_only_where_that_is_said(labq, queue):
    for _ in range(2):
        labq("task", "submit", "-q", "--name", "twin")
    told = "labq: 'twin' names several tasks: 1 (twin), 2 (twin): use the number"
    for words in (["dequeue", "twin"], ["clone", "twin"], ["show", "twin"]):
        result = labq("task", *words)
        assert (result.code, result.err) == (5, f"{told}, or --latest\n")
    for words in (["ls", "--id", "twin"], ["diff", "1", "twin"]):
        assert labq("task", *words).err == f"{told}\n"
    assert labq("task", "dequeue", "twin", "--latest").err == "dequeued 1 task\n"
    assert statuses(queue) == ["pending", "draft"]


def test_a_published_task_goes_by_force_alone(labq, queue, each):
    assert labq("task", "delete", "6", "--yes", "--force").err == "deleted 1 task\n"
    assert queue.count({"queue": "default", "number": 6}) == 0


def test_a_sealed_field_stays_as_a_change_by_hand_would_have_it(labq, queue, each):
    queue.store.update({"number": 6}, Change(set={"comment": "kept"}))
    result = labq("task", "update", "6", "-u", "comment=lost")
    assert result.code == 5
    assert queue.get("6")["comment"] == "kept"


def test_a_running_task_that_is_deleted_by_force_takes_its_job_with_it(
    labq, queue, process, tmp_path
):
    labq("task", "submit")
    options = ("--lease", "2s", "--heartbeat", "100ms")
    worker = process("worker", "run", *options, "--", "sh", "-c", "echo $$ > pid; exec sleep 600")
    pid = until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    assert labq("task", "delete", "1", "--yes", "--force").err == "deleted 1 task\n"
    _, err = worker.communicate(timeout=30)
    assert "task 1 lost in " in err
    assert gone(int(pid))
    assert list(queue.find({})) == []
