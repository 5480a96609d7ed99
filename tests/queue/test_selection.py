"""References, statuses, names and filters, ANDed into one query that stays in its queue."""

from __future__ import annotations

import pytest

from labq.errors import ConflictError, FilterError, TaskNotFound, UsageError
from labq.model.task import new
from labq.queue import Queue, Selection


def submit(queue, *tasks):
    made = [new({"x": x}, name=name) for x, name in tasks]
    queue.submit(made)
    return [task["_id"] for task in made]


def found(queue, **selection):
    return [task["number"] for task in queue.find(queue.query(Selection(**selection)))]


def test_nothing_said_is_every_task_of_the_queue_alone(queue):
    submit(queue, (1, "a"), (2, "b"))
    submit(Queue(queue.store, "other"), (3, "c"))
    assert found(queue) == [1, 2]
    assert not Selection().narrows


def test_all_that_is_said_must_hold_even_on_one_field(queue):
    submit(queue, (1, "a"), (2, "a"), (3, "b"))
    assert found(queue, names=["a"], filters=["args.x > 1"]) == [2]
    assert found(queue, statuses=["pending"], filters=["status == 'failed'"]) == []
    assert found(queue, filters=["args.x > 1", "args.x < 3"]) == [2]
    assert found(queue, refs=["1", "2"], names=["b"]) == []


@pytest.mark.parametrize(
    "text",
    ['{"queue": "other"}', "queue == 'other'", '{"$or": [{"queue": "other"}, {"queue": "q"}]}'],
)
def test_a_filter_cannot_leave_its_queue(queue, text):
    submit(Queue(queue.store, "other"), (1, "theirs"))
    assert {task["queue"] for task in queue.find(queue.query(Selection(filters=[text])))} <= {"q"}


def test_a_reference_is_a_number_an_id_a_prefix_of_one_a_name_or_both(queue):
    ids = submit(queue, (1, "base"), (2, None))
    for ref in ("1", ids[0], ids[0].upper(), ids[0][:12], "base", "base#1"):
        assert queue.get(ref)["number"] == 1
    assert found(queue, refs=["2", ids[0], "1", "base"]) == [1, 2]


def test_a_name_and_a_number_name_one_of_several(queue):
    submit(queue, (1, "twin"), (2, "twin"), (3, "base"))
    assert queue.get("twin#2")["number"] == 2
    for ref in ("twin#3", "twin#", "#2", "twin#x"):
        with pytest.raises(TaskNotFound):
            queue.get(ref)


def test_a_short_name_is_a_reference_before_a_name(queue):
    ids = submit(queue, (1, "base"), (2, "base"), (3, None))
    queue.submit([new({}, short="base", name="other"), new({}, short="best")])
    assert queue.get("base")["number"] == 4
    assert queue.get("base", latest=True)["number"] == 4
    assert queue.get("base#2")["number"] == 2
    assert found(queue, names=["base"]) == [1, 2]
    assert found(queue, refs=["base", "1", "best", ids[2]]) == [1, 3, 4, 5]
    with pytest.raises(TaskNotFound):
        queue.get("Base")


def test_a_short_name_that_begins_an_id_is_its_own_task(queue):
    (first,) = submit(queue, (1, None))
    begins = next(first[:n] for n in range(4, 32) if not first[:n].isdecimal())
    queue.submit([new({}, short=begins)])
    assert queue.get(begins)["number"] == 2
    assert queue.get(first)["number"] == 1


def test_a_short_name_is_what_a_filter_may_ask_for(queue):
    queue.submit([new({}, short="a-1"), new({}), new({}, short="b")])
    assert found(queue, filters=["short == 'a-1'"]) == [1]
    assert found(queue, filters=["not exists(short)"]) == [2]


def test_many_short_names_at_once(queue):
    queue.submit([new({}, short=f"s{at}") for at in range(2100)])
    refs = [f"s{at}" for at in range(2100)]
    assert queue.count(queue.query(Selection(refs=[*refs, "s1"]))) == 2100


def test_a_short_name_of_another_queue_is_none_here(queue):
    Queue(queue.store, "other").submit([new({}, short="theirs")])
    with pytest.raises(TaskNotFound):
        queue.get("theirs")


def test_an_empty_list_of_references_is_no_task(queue):
    submit(queue, (1, "a"))
    assert Selection(refs=[]).narrows
    assert found(queue, refs=[]) == []


def test_a_reference_stays_in_its_queue(queue):
    (there,) = submit(Queue(queue.store, "other"), (1, "theirs"))
    for ref in ("1", there, there[:8], "theirs"):
        with pytest.raises(TaskNotFound):
            queue.get(ref)


def test_a_reference_to_nothing_says_so(queue):
    submit(queue, (1, "here"))
    with pytest.raises(TaskNotFound) as caught:
        queue.get("nope")
    assert str(caught.value) == "no task 'nope' in queue 'q' (labq task ls shows what is there)"


def test_a_name_of_several_lists_them(queue):
    submit(queue, *((x, "twin") for x in range(7)))
    with pytest.raises(ConflictError) as caught:
        queue.get("twin")
    assert str(caught.value) == (
        "'twin' names several tasks: 1 (twin), 2 (twin), 3 (twin), 4 (twin), 5 (twin), ...: use the number"
    )


def test_three_characters_are_no_prefix(queue):
    ids = submit(queue, (1, None))
    with pytest.raises(TaskNotFound):
        queue.get(ids[0][:3] if not ids[0][:3].isdecimal() else "zzz")


def test_many_references_at_once(queue):
    ids = submit(queue, *((x, None) for x in range(2500)))
    assert queue.count(queue.query(Selection(refs=ids))) == 2500


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["success"], [2]),
        (["Completed", "FAILURE"], [2, 3]),
        (["queued,failed"], [1, 3, 4]),
        (["Submitted", "pending"], [1, 4]),
        (["pending"], [1]),
        (["waiting"], [4]),
        (["published"], [2]),
    ],
)
def test_statuses_take_every_systems_words(queue, words, numbers):
    times = [{}, {"published_at": queue.store.now()}, {}, {}]
    statuses = ("pending", "success", "failed", "waiting")
    made = [{**new({}), "status": s, **t} for s, t in zip(statuses, times, strict=True)]
    queue.submit(made)
    assert found(queue, statuses=words) == numbers


def test_an_unknown_status_is_refused_with_the_nearest(queue):
    with pytest.raises(UsageError, match=r"^no status 'sucess': did you mean success\?"):
        found(queue, statuses=["sucess"])


def test_a_wrong_filter_is_refused(queue):
    with pytest.raises(FilterError):
        found(queue, filters=["args.x ="])


# projects


TREE = ["a", "a/b", "a/b/c", "a/bc", "a0", "b", "A/b", "a-b", "ä/b", None]


@pytest.fixture
def projects(queue):
    """A task for each project of TREE, one without, and in each one called `x`."""
    fields = [{} if path is None else {"project": path} for path in TREE]
    queue.submit([{**new({}, name="x"), **field} for field in fields])
    return queue


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a"], ["a", "a/b", "a/b/c", "a/bc"]),
        (["a/b"], ["a/b", "a/b/c"]),
        (["a/b/"], ["a/b", "a/b/c"]),
        (["/a/b"], ["a/b", "a/b/c"]),
        (["a/b", "b"], ["a/b", "a/b/c", "b"]),
        (["ä"], ["ä/b"]),
        (["a/"], ["a", "a/b", "a/b/c", "a/bc"]),
        (["c"], []),
    ],
    ids=str,
)
def test_a_project_has_the_tasks_of_all_below_it(projects, paths, found):
    tasks = projects.find(projects.query(Selection(projects=paths)))
    assert [task["project"] for task in tasks] == found


def test_a_name_need_only_be_the_one_in_its_project(projects):
    with pytest.raises(ConflictError, match="'x' names several tasks"):
        projects.query(Selection(refs=["x"], projects=["a"]))
    (task,) = projects.find(projects.query(Selection(refs=["x"], projects=["a/b/c"])))
    assert task["project"] == "a/b/c"
    with pytest.raises(TaskNotFound):
        projects.query(Selection(refs=["x"], projects=["c"]))


@pytest.mark.parametrize("path", ["", "/", "//"])
def test_a_project_without_a_path_is_none(projects, path):
    assert Selection(projects=[path]).narrows
    with pytest.raises(UsageError, match=f"'{path}' is no project"):
        projects.query(Selection(projects=[path]))
