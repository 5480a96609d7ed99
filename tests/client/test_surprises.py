"""What a person who tries things in a shell comes upon: each is done, or told in words."""

from __future__ import annotations

import warnings
from datetime import timedelta

import pytest

import labq
from labq.errors import ConflictError, UsageError


def test_one_task_may_be_waited_for_by_any_reference(client):
    task = client.submit(name="base")
    for one in (task, 1, "1", "base", task.id):
        assert client.wait(one, timeout=0) is False
    task.cancel()
    for one in (task, 1, "base", client.tasks()):
        assert client.wait(one) is True


@pytest.mark.parametrize("span", [0.01, "10ms", timedelta(milliseconds=10)])
def test_a_wait_takes_any_span(client, span):
    task = client.submit()
    assert task.wait(timeout=span) is False
    assert client.wait(task, timeout=span) is False
    for wait in (task.run, task.resume):
        with pytest.raises(TimeoutError, match=r"task 1 has not ended after 0\.01 s: it goes on"):
            wait(timeout=span)
    assert task.run(job_timeout=span).reason == "not ended after 0.01 s (job_timeout)"


WRONG = [
    (lambda c: c.submit().wait("soon"), "timeout: 'soon' is not a duration"),
    (lambda c: c.count(1), "filter must be a text, a dict or a list of these, not 1"),
    (lambda c: c.count([1]), "filter must be a text, a dict or a list of these, not [1]"),
    (lambda c: list(c.tasks(limit="2")), "limit must be 0 or more, not '2'"),
    (lambda c: c.update("a=1", 1), "changes must be a dict such as {'args.lr': 0.3}, not 'a=1'"),
    (lambda c: c.submit().update_task_info([1]), "info must be a dict such as {'acc': 0.9}, not"),
]


@pytest.mark.parametrize(("call", "told"), WRONG)
def test_what_has_the_wrong_type_is_told_so(client, call, told):
    with pytest.raises(UsageError) as caught:
        call(client)
    assert str(caught.value).startswith(told)


def test_a_task_is_shown_as_its_verb_left_it(client, crew):
    task = client.submit()
    assert repr(task.cancel()) == "<Task number=1 status=cancelled>"
    assert repr(task.requeue()) == "<Task number=1 status=pending>"
    assert repr(task.dequeue()) == "<Task number=1 status=draft>"
    assert repr(client.submit(after=1)) == "<Task number=2 status=waiting>"


def test_a_verb_that_worked_does_not_fail_where_the_task_is_deleted_at_once(client, monkeypatch):
    task = client.submit()
    real = client.queue.store.update

    def update(*args):
        done = real(*args)
        client.queue.store.delete({"number": 1})
        return done

    monkeypatch.setattr(client.queue.store, "update", update)
    assert task.dequeue() is task
    with pytest.raises(labq.TaskNotFound, match="task 1 is gone"):
        task.refresh()


def test_two_of_the_same_task_are_equal(client):
    task = client.submit()
    assert task == client.get(1)
    assert task in list(client.tasks())
    assert len({task, client.get(1), client.submit()}) == 2
    assert task != client.get(2)
    assert task != task.id


def test_a_warning_is_of_the_line_that_asked(client):
    task = client.submit().cancel()
    for ask in (task, client.task()):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            ask.abort()
            ask.cancel()
        assert [warning.filename for warning in told] == [__file__, __file__]


def test_a_refusal_has_pythons_word_for_force(client, crew):
    task = client.submit()
    crew.run("boom")
    with pytest.raises(ConflictError) as caught:
        task.publish()
    assert str(caught.value) == (
        "cannot publish task 1: it is failed (force=True publishes it all the same)"
    )
    assert task.publish(force=True).outcome == "failed"
    task.comment = "x"
    with pytest.raises(ConflictError) as caught:
        task.save()
    assert str(caught.value) == "cannot save task 1: it is published (clone it instead)"


def test_what_somebody_deleted_meanwhile_cannot_be_cloned(client):
    task = client.submit()
    client.delete(1)
    with pytest.raises(labq.TaskNotFound, match=f"^no task {task.id} in queue 'default'$"):
        task.clone()


@pytest.mark.parametrize("word", ["draft", "number", "status", "lr"])
def test_submit_many_takes_no_word_that_a_task_has_not(client, word):
    told = rf"^Client.submit_many\(\) got an unexpected keyword argument '{word}'$"
    with pytest.raises(TypeError, match=told):
        client.submit_many([{}], **{word: 1})
    assert client.count() == 0
