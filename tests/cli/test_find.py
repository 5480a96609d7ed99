"""`labq task ls`, `show`, `count`, `delete`; `labq queue ls`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def sweep(labq):
    for lr in (0.1, 0.2, 0.3):
        labq("task", "submit", "--name", f"n{lr}", "--", "--lr", lr, "--model.name", "a")


def test_a_table_for_people(labq, sweep):
    result = labq("task", "ls")
    assert result.code == 0
    head, _, first, *_ = result.out.splitlines()
    assert head.split() == ["#", "status", "name", "args", "age"]
    assert first.split()[:5] == ["1", "pending", "n0.1", "lr=0.1", "model.name=a"]
    assert len(result.out.splitlines()) == 5


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["-f", "args.lr > 0.15"], [2, 3]),
        (["--extra-filter", '{"args.lr": {"$lte": 0.2}}'], [1, 2]),
        (["-f", "args.lr > 0.1", "-f", "args.lr < 0.3"], [2]),
        (["-f", "args.model.name == 'a' and (args.lr == 0.1 or args.lr in [0.3])"], [1, 3]),
        (["--name", "n0.2"], [2]),
        (["--task-name", "n0.1", "--task-name", "n0.3"], [1, 3]),
        (["--id", "3", "--task-id", "n0.1"], [1, 3]),
        (["--id", "1 2", "-f", "args.lr > 0.1"], [2]),
        (["-s", "queued", "--status", "failed"], [1, 2, 3]),
        (["-s", "running"], []),
        (["--id", ""], []),
        (["--sort", "args.lr:desc"], [3, 2, 1]),
        (["--sort", "args.lr:desc", "--limit", "2"], [3, 2]),
        (["--sort", "args.model.name", "--sort", "number:desc"], [3, 2, 1]),
        (["--limit", "0"], [1, 2, 3]),
        (["--queue", "other"], []),
    ],
)
def test_ls_and_count_find_the_same(labq, sweep, args, numbers):
    found = labq("task", "ls", "--json", *args)
    assert found.code == 0
    assert [task["number"] for task in found.lines] == numbers
    ids = labq("task", "ls", "--quiet", *args).ids
    assert ids == [task["_id"] for task in found.lines]
    if "--sort" not in args and "--limit" not in args:
        assert labq("task", "count", *args).out == f"{len(numbers)}\n"
        assert labq("task", "count", "--json", *args).lines == [{"count": len(numbers)}]


def test_json_is_the_documents_without_the_fencing_token(labq, queue, sweep):
    from labq.queue import WorkerName
    from labq.queue import claims as claiming

    claiming.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    (task,) = labq("task", "ls", "--json", "-s", "running").lines
    assert task["args"] == {"lr": 0.1, "model": {"name": "a"}}
    assert set(task["lease"]) == {"worker", "host", "expires_at"}
    assert task["created_at"].endswith("Z")
    assert "token" not in labq("task", "show", "1", "--json").out


def test_verbose_shows_the_query_which_f_reads_back(labq, sweep):
    result = labq(
        "task", "ls", "--quiet", "--verbose", "-f", "args.lr > 0.15 and args.model.name != None"
    )
    assert len(result.ids) == 2
    again = labq("task", "ls", "--quiet", "-f", result.err.strip())
    assert again.ids == result.ids
    assert json.loads(result.err)["queue"] == "default"


def test_an_empty_table_says_so(labq, sweep):
    assert labq("task", "ls", "-f", "args.lr > 5").err == "no tasks in queue default match\n"


def test_in_a_pipe_everything_comes_whole(labq):
    labq(
        "task", "submit", "--", "--text", "x" * 39, *(w for n in range(30) for w in (f"--k{n}", n))
    )
    out = labq("task", "ls").out
    assert "k29=29" in out
    assert "…" not in out


def test_what_was_passed_over_is_told_with_the_reason(labq, queue, sweep):
    labq("worker", "run", "--", "true", "%(lr)")
    result = labq("task", "ls")
    assert result.err.endswith(
        "3 tasks passed over: the worker's command takes exactly the args lr (1, 2, 3)\n"
    )


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["ls", "-f", "arg.lr > 1"], 2, "labq: "),
        (["ls", "-f", "  "], 2, "labq: the filter is empty (leave -f away to mean every task)\n"),
        (["ls", "-s", "done"], 2, "labq: no status 'done'"),
        (
            ["ls", "--sort", "lr"],
            2,
            "labq: --sort lr: no field 'lr' (write args.lr for an argument)\n",
        ),
        (
            ["ls", "--sort", "created:desc"],
            2,
            "labq: --sort created:desc: no field 'created': did you mean created_at?\n",
        ),
        (
            ["ls", "--sort", "number:up"],
            2,
            "labq: --sort number:up: 'up' is neither asc nor desc\n",
        ),
        (["ls", "--limit", "-1"], 2, "labq: Invalid value for '--limit': "),
        (
            ["ls", "--id", "77"],
            3,
            "labq: no task '77' in queue 'default' (labq task ls shows what is there)\n",
        ),
        (
            ["show", "77"],
            3,
            "labq: no task '77' in queue 'default' (labq task ls shows what is there)\n",
        ),
        (["show"], 2, "labq: show what? Give REF...\n"),
        (["delete"], 2, "labq: delete what? Give REF..., -s, --name or -f (every task: -f '{}')\n"),
        (["delete", "1"], 2, "labq: this removes 1 task for good: add --yes\n"),
        (["delete", "-f", "{}"], 2, "labq: this removes 3 tasks for good: add --yes\n"),
        (["shwo", "1"], 2, "labq: no command 'shwo' in labq task: did you mean show?\n"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(labq, sweep, args, code, told):
    result = labq("task", *args)
    assert result.code == code
    assert result.err.startswith(told)
    assert result.out == ""
    assert labq("task", "count").out == "3\n"


def test_show_tells_all(labq, queue, sweep):
    labq(
        "worker", "run", "--quiet", "--max-tasks", "1", "--", "sh", "-c", "echo broken >&2; exit 3"
    )
    out = labq("task", "show", "1").out
    for part in (
        "task 1  failed  n0.1",
        "args.lr",
        "0.1",
        "args.model.name",
        "reason",
        "exit code 3",
        "broken",
    ):
        assert part in out


def test_delete_removes_and_says_how_many(labq, queue, sweep):
    assert labq("task", "delete", "1", "n0.2", "--yes").err == "deleted 2 tasks\n"
    assert [task["number"] for task in labq("task", "ls", "--json").lines] == [3]
    assert labq("task", "delete", "-f", "args.lr > 0", "--yes", "--json").lines == [
        {"deleted": 1, "left": 0}
    ]


def test_delete_leaves_what_runs(labq, queue, sweep):
    from labq.queue import WorkerName
    from labq.queue import claims as claiming

    claiming.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    assert labq("task", "delete", "-f", "{}", "-y").err == (
        "deleted 2 tasks, left 1: 1 running"
        " (labq task cancel stops it, --force deletes it all the same)\n"
    )


def test_no_ids_from_a_pipe_delete_nothing(labq, sweep, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert labq("task", "delete", "-", "--yes").err == "deleted 0 tasks\n"
    assert labq("task", "delete", "", "--yes").err == "deleted 0 tasks\n"
    assert labq("task", "count").out == "3\n"


def test_ids_from_a_pipe_are_read(labq, sweep, monkeypatch):
    import io

    ids = labq("task", "ls", "-q", "-f", "args.lr < 0.3").out
    monkeypatch.setattr("sys.stdin", io.StringIO(ids))
    assert labq("task", "delete", "-", "--yes").err == "deleted 2 tasks\n"


def test_queue_ls(labq, sweep):
    labq("task", "submit", "--queue", "night")
    assert [row["queue"] for row in labq("queue", "ls", "--json").lines] == ["default", "night"]
    head, _, first, second = labq("queue", "ls").out.splitlines()
    assert (head.split(), first.split()) == (["queue", "pending", "all"], ["default", "3", "3"])
    assert second.split() == ["night", "1", "1"]
    (row,) = labq("queue", "ls", "--queue", "night", "--json").lines
    assert (row["pending"], row["running"]) == (1, 0)


def test_queue_ls_of_an_empty_store(labq, queue):
    assert (
        labq("queue", "ls").err
        == f"no queues in {queue.store.address} (labq task submit makes one)\n"
    )
