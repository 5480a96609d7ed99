"""Edits: at a path, siblings kept, never on what a worker has, never losing another's edit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from labq.errors import ArgsError, UsageError
from labq.model.task import new
from labq.queue import Queue, Selection, WorkerName, claims, parse_edit
from labq.queue.edits import edit, edits_between
from labq.store import open_store

COPY = "labq task clone REF --update args.lr=1 --enqueue runs a changed copy"


def submit(queue, *args, **fields):
    queue.submit([new(one, **fields) for one in args])


def change(queue, *texts, **selection):
    return edit(
        queue.store, queue.query(Selection(**selection)), [parse_edit(text) for text in texts]
    )


def args(queue):
    return [task["args"] for task in queue.find(queue.query(Selection()))]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("args.lr=0.3", {"lr": 0.1, "m": 1}, {"lr": 0.3, "m": 1}),
        ("args.opt.lr=1", {"opt": {"name": "sgd", "lr": 2}}, {"opt": {"name": "sgd", "lr": 1}}),
        ('args.opt={"name": "sgd"}', {"opt": {"lr": 2}, "x": 1}, {"opt": {"name": "sgd"}, "x": 1}),
        ("args={'a.b': 1}", {"x": 1}, {"a": {"b": 1}}),
        ("args.new.deep=[1, 2]", {}, {"new": {"deep": [1, 2]}}),
        (
            "args.runs.1.score=5",
            {"runs": [{"score": 1}, {"score": 2}]},
            {"runs": [{"score": 1}, {"score": 5}]},
        ),
        ("args.text=a=b", {}, {"text": "a=b"}),
        ("args.none=None", {"none": 1}, {"none": None}),
        ("args.lr=1e-05", {"lr": 1}, {"lr": 1e-05}),
    ],
)
def test_an_edit_writes_at_its_path_and_leaves_siblings(queue, text, before, after):
    submit(queue, before)
    assert change(queue, text).changed == 1
    assert repr(args(queue)) == repr([after])


def test_a_worker_that_wants_the_new_args_finds_them(queue):
    submit(queue, {"lr": 1})
    change(queue, "args.seed=3")
    assert queue.get("1")["args_signature"] == '["lr","seed"]'


def test_other_fields_are_checked_as_at_submit(queue):
    submit(queue, {})
    change(
        queue,
        "priority=5",
        "tags=['a', 'b']",
        "name=n",
        "comment=two words",
        "timeout=1.5",
        "metadata.k=1",
    )
    task = queue.get("1")
    shown = {
        field: task[field]
        for field in ("priority", "tags", "name", "comment", "timeout", "metadata")
    }
    assert shown == {
        "priority": 5,
        "tags": ["a", "b"],
        "name": "n",
        "comment": "two words",
        "timeout": 1.5,
        "metadata": {"k": 1},
    }
    change(queue, "comment=None", "timeout=None")
    assert not {"comment", "timeout"} & set(queue.get("1"))


def test_a_text_stays_the_text_that_was_given(queue):
    submit(queue, {})
    change(queue, "name=1e-3", "comment=[1]")
    assert (queue.get("1")["name"], queue.get("1")["comment"]) == ("1e-3", "[1]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("args.lr", "'args.lr' is not FIELD=VALUE (such as args.lr=0.3)"),
        ("=3", "'=3' is not FIELD=VALUE (such as args.lr=0.3)"),
        (
            "status=success",
            "status cannot be edited (labq task requeue runs an ended task again)",
        ),
        (
            "lr=3",
            "no field 'lr' (write args.lr for an argument) (what can be edited: args, cmd, comment, cwd, env, max_retries, metadata, name, priority, project, publish_on_success, raw_args, require, resources, retention, retry_delay, short, source, summary, tags, timeout, type)",
        ),
        (
            "arg.lr=3",
            "no field 'arg': did you mean args? (what can be edited: args, cmd, comment, cwd, env, max_retries, metadata, name, priority, project, publish_on_success, raw_args, require, resources, retention, retry_delay, short, source, summary, tags, timeout, type)",
        ),
        ("args.$x=3", "'args.$x=3': the key '$x' begins with $, which MongoDB keeps to itself"),
        ("args.x=99999999999999999999", None),
    ],
)
def test_what_cannot_be_edited_is_refused_with_what_can(text, told):
    with pytest.raises((UsageError, ArgsError)) as caught:
        parse_edit(text)
    assert told is None or str(caught.value) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("priority=high", "priority must be a whole number, not 'high'"),
        ("max_retries=-1", "max_retries must be a whole number of 0 or more, not '-1'"),
        ("timeout=0", "timeout must be seconds above zero, at most 3153600000, not '0'"),
        ("args=3", "args must be a dict, not '3'"),
        ("args=None", "args must be a dict, not 'None'"),
        ("tags=[1]", "tags must be a list of words, not '[1]'"),
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused_and_nothing_changes(queue, text, told):
    submit(queue, {"x": 1}, {"x": 2})
    with pytest.raises(UsageError) as caught:
        change(queue, "args.x=5", text)
    assert str(caught.value) == told
    assert args(queue) == [{"x": 1}, {"x": 2}]


def test_a_path_through_a_value_leaves_that_task_alone(queue):
    submit(queue, {"a": 1}, {"a": {"b": 1}}, {})
    report = change(queue, "args.a.b=2")
    assert report.changed == 2
    assert dict(report.refused) == {"args.a has no key 'b': it is not a dict": 1}
    assert args(queue) == [{"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}]


def test_a_running_tasks_args_never_change_but_its_notes_may(queue):
    submit(queue, {"x": 1}, {"x": 2})
    claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
    report = change(queue, "args.x=9")
    assert report.changed == 1
    assert dict(report.refused) == {f"running, its args cannot change ({COPY})": 1}
    assert args(queue) == [{"x": 1}, {"x": 9}]
    assert change(queue, "comment=look", refs=["1"]).changed == 1
    assert queue.get("1")["lease"]["worker"] == "w"


def test_a_short_name_is_edited_in_drafts_alone(queue):
    queue.submit([{**new({}), "status": status} for status in ("draft", "pending", "waiting")])
    report = change(queue, "short=best", "args.x=1", refs=["1"])
    assert (report.changed, queue.get("best")["args"]) == (1, {"x": 1})
    report = change(queue, "short=other", "args.x=2")
    later = "its short name is settable until the submit (labq task dequeue makes it draft)"
    assert dict(report.refused) == {f"pending, {later}": 1, f"waiting, {later}": 1}
    assert args(queue) == [{"x": 2}, {}, {}]
    assert change(queue, "short=None", refs=["other"]).changed == 1
    assert "short" not in queue.get("1")
    claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
    report = change(queue, "short=other", refs=["2"])
    assert dict(report.refused) == {f"running, its short cannot change ({COPY})": 1}


def test_a_short_name_that_another_has_is_refused_and_the_rest_is_edited(queue):
    drafts = [{**new({"x": x}), "status": "draft"} for x in range(3)]
    queue.submit([*drafts, new({}, short="best")])
    report = change(queue, "short=best", refs=["1"])
    assert dict(report.refused) == {"task 4 of queue q has the short name best already": 1}
    report = change(queue, "short=next", "args.x=9", refs=["1", "2", "3"])
    assert report.changed == 1
    assert [dict(report.refused), args(queue).count({"x": 9})] == [
        {f"task {queue.get('next')['number']} of queue q has the short name next already": 2},
        1,
    ]


def test_what_has_the_value_already_is_left_and_counted(queue):
    submit(queue, {"x": 1}, {"x": 1.0})
    report = change(queue, "args.x=1")
    assert (report.changed, report.same) == (1, 1)
    assert repr(args(queue)) == repr([{"x": 1}, {"x": 1}])


def test_an_edit_of_many_reaches_each_that_matched_once(queue):
    submit(queue, *({"x": x} for x in range(2300)))
    report = change(queue, "args.x=-1", "args.seen=True", filters=["args.x >= 100"])
    assert report.changed == 2200
    assert queue.count(queue.query(Selection(filters=["args.seen == True"]))) == 2200
    assert [task["args"] for task in queue.find(queue.query(Selection()), limit=1)] == [{"x": 0}]


def test_edits_of_several_at_once_lose_none(queue, uri):
    submit(queue, *({} for _ in range(30)))

    def add(key):
        store = open_store(uri)
        mine = Queue(store, "q")
        report = change(mine, f"args.{key}=1")
        store.close()
        return report

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(add, "abcd"))
    assert [(report.changed, report.refused) for report in reports] == [(30, {})] * 4
    assert all(one == dict.fromkeys("abcd", 1) for one in args(queue))


def test_edits_between_two_documents_are_the_fields_that_differ():
    old = {"args": {"x": 1}, "priority": 0, "name": "n"}
    new_ = {"args": {"x": 1.0}, "priority": 0}
    assert [(one.field, one.value) for one in edits_between(old, new_)] == [
        ("name", None),
        ("args", {"x": 1.0}),
    ]


def test_a_task_that_would_grow_too_large_does_not_hide_what_became_of_the_others(queue):
    submit(queue, {"n": 1}, {"n": 2, "big": "x" * (16 * 2**20 - 2000)}, {"n": 3})
    report = change(queue, "args.more=" + "y" * 20_000)
    assert report.changed == 2
    ((why, count),) = report.refused.items()
    assert why.startswith("the task is too large")
    assert count == 1


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("timeout=10m", "timeout", 600),
        ("timeout=90", "timeout", 90),
        ("retry_delay=1.5s", "retry_delay", 1.5),
        ("retention.ttl=1d", "retention", {"ttl": 86400}),
    ],
)
def test_a_length_is_seconds_or_such_as_10m(queue, text, field, value):
    submit(queue, {})
    assert change(queue, text).changed == 1
    assert queue.get("1")[field] == value


def test_what_is_no_length_is_refused(queue):
    with pytest.raises(UsageError, match=r"^timeout: 'soon' is not a duration"):
        parse_edit("timeout=soon")
