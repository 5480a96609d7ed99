"""`task.submit` and `task.start`: what they read, and what they leave as it was."""

from __future__ import annotations

from datetime import timezone

import pytest

from labq.errors import TaskNotFound


@pytest.mark.parametrize("renewed", [True, False])
def test_q41_a_submit_looks_at_the_store_at_once(client, crew, renewed):
    task = client.submit()
    task.auto_update = renewed
    task.refresh()
    crew.run()
    assert task.submit().status == "success"


@pytest.mark.parametrize("usual", [None, "usual"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_comment_of_a_start_is_that_runs_alone(client, usual, stored):
    task = client.task(comment=usual)
    if stored:
        task.save()
    for said in ("once", None, "twice", "thrice", None, None):
        task.start() if said is None else task.start(comment=said)
        assert client.get(task.number).comment == (said or usual)


def test_a_comment_that_is_set_after_a_start_holds(client):
    task = client.task(comment="usual").start(comment="once")
    task.comment = "other"
    task.start()
    assert task.comment == "other"


@pytest.fixture
def entries(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labq.yaml").write_text("tasks:\n  serve: {type: service}\n  train: {}\n")


@pytest.mark.parametrize("kind", ["entry", "draft", "ended"])
def test_m25_a_configuration_is_started_from_a_parent(client, entries, kind):
    parent = client.submit()
    if kind != "entry":
        client.task(name="serve", type="service").save()
    if kind == "ended":
        client.get("serve").cancel()
    for ref in (parent.number, parent):
        task = client.get("serve").start(parent=ref)
        assert client.get(task.number).parent == parent.id
        assert (task.name, task.type) == ("serve", "service")
        if kind == "ended":
            task.delete()
    with pytest.raises(TaskNotFound, match=r"^no task 'nobody' in queue 'default'"):
        client.get("train").start(parent="nobody")


@pytest.mark.parametrize(
    ("ref", "near"),
    [("serv", ": did you mean serve?"), ("nobody", " (there are serve, train)")],
)
def test_a_mistyped_entry_lists_those_that_there_are(client, entries, ref, near):
    client.submit()
    with pytest.raises(TaskNotFound) as caught:
        client.get(ref)
    there = f"no task {ref!r} in queue 'default' (labq task ls shows what is there)"
    assert str(caught.value) == f"{there}, nor an entry of tasks: in labq.yaml{near}"


def test_times_have_the_utc_of_datetime(client, crew):
    task = client.submit()
    crew.run()
    task.refresh()
    times = [task.created_at, task.queued_at, task.started_at, task.ended_at, task.modified_at]
    times += [*(task.attempts[0][key] for key in ("started", "ended"))]
    times += [event["at"] for event in client.events()]
    assert {time.tzinfo for time in times} == {timezone.utc}
    assert all(time.tzinfo is timezone.utc for time in times)
