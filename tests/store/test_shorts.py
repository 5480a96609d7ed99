"""A short name is one task's of its queue, whoever else wants it, in every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from making import task

from labq.errors import ConflictError
from labq.store import Change, open_store

ROUNDS = 20


def named(short, **fields):
    return task(short=short, **fields)


def shorts(store, queue="q"):
    """Of each task its short name, by number."""
    found = store.find({"queue": queue}, sort=[("number", 1)])
    return [one.get("short") for one in found]


def told(call, *args):
    with pytest.raises(ConflictError) as caught:
        call(*args)
    return str(caught.value)


def test_an_insert_of_a_short_name_that_another_has_stores_nothing_and_names_it(store):
    store.insert("q", [task(), named("best")])
    assert told(store.insert, "q", [named("best")]) == (
        "task 2 of queue q has the short name best already"
    )
    assert told(store.insert, "q", [task(), named("new"), named("best"), task()]) == (
        "task 2 of queue q has the short name best already"
    )
    assert shorts(store) == [None, "best"]


def test_two_tasks_of_one_insert_cannot_share_one(store):
    assert told(store.insert, "q", [named("a"), task(), named("a")]) == (
        "two of these tasks have the short name a"
    )
    assert store.count({}) == 0


def test_each_queue_has_short_names_of_its_own_and_most_tasks_have_none(store):
    store.insert("q", [named("best"), task(), task()])
    store.insert("other", [named("best"), named("second")])
    assert (shorts(store), shorts(store, "other")) == (["best", None, None], ["best", "second"])


def test_an_insert_with_short_names_may_be_repeated(store):
    batch = [named("a"), task(), named("b")]
    assert store.insert("q", batch) == [1, 2, 3]
    assert store.insert("q", batch) == [1, 2, 3]
    assert shorts(store) == ["a", None, "b"]


def test_a_short_name_is_free_again_once_its_task_is_gone(store):
    store.insert("q", [named("best")])
    store.delete({"queue": "q", "short": "best"})
    store.insert("q", [named("best")])
    assert shorts(store) == ["best"]


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
def test_of_two_inserts_at_once_one_has_it_and_the_other_stores_nothing(store, uri, alone):
    start = Barrier(2)
    second = open_store(uri)

    def insert(opened, short):
        batch = [named(short)] if alone else [task(), named(short), named(f"{short}-{id(opened)}")]
        start.wait()
        try:
            return len(opened.insert("q", batch))
        except ConflictError as error:
            return str(error).partition(" of queue q ")[2]

    with ThreadPoolExecutor(2) as pool:
        for at in range(ROUNDS):
            short = f"s{at}"
            done = set(pool.map(insert, (store, second), (short, short)))
            size = 1 if alone else 3
            assert done == {size, f"has the short name {short} already"}
            assert store.count({"queue": "q"}) == size * (at + 1)
    second.close()


def test_an_update_cannot_give_a_task_the_short_name_of_another(store):
    one, two = named("best"), named("second")
    store.insert("q", [one, two])
    change = Change(set={"short": "best"}, inc={"rev": 1})
    mine, both = {"_id": two["_id"]}, {"queue": "q", "number": {"$gte": 2}}
    for call, args in (
        (store.update, (mine, change)),
        (store.update, (both, change)),
        (store.update_each, ([(mine, change)],)),
        (store.update_first, (mine, change)),
    ):
        assert told(call, *args) == "task 1 of queue q has the short name best already"
    assert shorts(store) == ["best", "second"]
    assert store.update({"_id": one["_id"]}, change) == 1  # its own
    assert store.update(mine, Change(set={"short": "third"})) == 1
    assert store.update({"_id": one["_id"]}, Change(unset=("short",))) == 1
    assert store.update(mine, change) == 1
    assert shorts(store) == [None, "best"]


def test_several_tasks_cannot_be_given_one_together(store):
    store.insert("q", [task(), task(), task()])
    every = {"queue": "q"}
    said = told(store.update, every, Change(set={"short": "best"}))
    assert said.endswith("of queue q has the short name best already")
    assert shorts(store).count("best") <= 1


def test_a_renamed_queue_keeps_its_short_names(store):
    store.insert("q", [named("best"), task()])
    assert store.rename("q", "r") == 2
    assert shorts(store, "r") == ["best", None]
    assert told(store.insert, "r", [named("best")]) == (
        "task 1 of queue r has the short name best already"
    )
    store.insert("q", [named("best")])
    assert shorts(store) == ["best"]


def test_a_queue_is_not_renamed_onto_a_short_name_that_a_task_left_behind_has(store):
    store.insert("r", [task(), named("best")])
    store.delete({"queue": "r", "number": 1})
    store.queues.delete({"_id": "r"})
    store.insert("q", [named("best")])
    assert told(store.rename, "q", "r") == "task 2 of queue r has the short name best already"
    assert (shorts(store), shorts(store, "r")) == (["best"], ["best"])
