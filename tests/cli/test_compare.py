"""`labq task diff` and `labq task compare`: what differs, with its types, and nothing else."""

from __future__ import annotations

import pytest

from labq.store import Change


@pytest.fixture
def three(labq):
    """A task that ran, one like it with another type of lr, and one that has other args."""
    for words in (["--lr", "1", "--m", "x"], ["--lr", "1.0", "--m", "x"], ["--n", "'1'"]):
        labq("task", "submit", "-q", "--tag", "t", "--", *words)
    labq("worker", "run", "-q", "--max-tasks", "1", "--", "true")
    labq("task", "report", "1", "acc=0.5")


def test_a_diff_has_what_differs_and_nothing_else(labq, three):
    out = labq("task", "diff", "1", "2").out.splitlines()
    rows = [line.split() for line in out if line.strip()]
    assert rows[0] == ["field", "#1", "#2"]
    found = {row[0]: row[1:] for row in rows[2:]}
    assert found["args.lr"] == ["1", "1.0"]
    assert found["status"] == ["success", "pending"]
    assert found["summary.acc"] == ["0.5", "-"]
    assert not {"args.m", "tags", "number", "_id", "created_at"} & set(found)


def test_a_diff_as_json_keeps_the_types_and_leaves_out_what_is_not_there(labq, three):
    (told,) = labq("task", "diff", "1", "2", "--json").lines
    assert told["tasks"] == [1, 2]
    assert told["differs"]["args.lr"] == {"1": 1, "2": 1.0}
    assert repr(told["differs"]["args.lr"]["2"]) == "1.0"
    assert told["differs"]["summary.acc"] == {"1": 0.5}
    assert told["differs"]["seconds"].keys() == {"1"}


def test_tasks_that_do_not_differ(labq, three):
    labq("task", "clone", "3", "--enqueue", "-q")
    result = labq("task", "diff", "3", "4")
    assert (result.code, result.out, result.err) == (0, "", "tasks 3 and 4 do not differ\n")
    assert labq("task", "diff", "3", "4", "--json").lines == [{"tasks": [3, 4], "differs": {}}]
    assert labq("task", "compare", "3", "4").err == "2 tasks: nothing differs\n"


def test_a_text_that_looks_like_a_number_is_told_from_it(labq, three):
    labq("task", "clone", "3", "--update", "args.n=1", "-q")
    rows = [line.split() for line in labq("task", "diff", "3", "4").out.splitlines()]
    assert ["args.n", "'1'", "1"] in rows


def test_several_side_by_side(labq, three):
    out = labq("task", "compare", "1", "2", "3").out.splitlines()
    rows = [line.split() for line in out if line.strip()]
    assert rows[0][:4] == ["#", "args.lr", "args.m", "args.n"]
    assert [row[:4] for row in rows[2:]] == [
        ["1", "1", "x", "-"],
        ["2", "1.0", "x", "-"],
        ["3", "-", "-", "1"],
    ]


def test_several_as_json(labq, three):
    lines = labq("task", "compare", "-f", "exists(args.m)", "--json").lines
    assert [(line["number"], line["args.lr"], line["status"]) for line in lines] == [
        (1, 1, "success"),
        (2, 1.0, "pending"),
    ]
    assert not any("args.m" in line for line in lines)


def test_compare_wants_to_know_what(labq):
    result = labq("task", "compare")
    assert (result.code, result.err) == (
        2,
        "labq: compare what? Give REF..., -s, --name or -f (every task: -f '{}')\n",
    )


def test_contents_of_the_source_are_told_by_the_beginning_of_their_hash(labq, three, queue):
    for number, digest in ((1, "a" * 64), (2, "b" * 64)):
        source = {"commit": "c" * 40, "diff": {"blob": digest, "size": number}}
        queue.store.update({"number": number}, Change(set={"source": source}))
    differs = labq("task", "diff", "1", "2", "--json").lines[0]["differs"]
    assert differs["source.diff"] == {"1": "a" * 12, "2": "b" * 12}
    assert [path for path in differs if path.startswith("source.")] == ["source.diff"]
