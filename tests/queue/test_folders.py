"""The folders of tasks that are gone: removed with them, or by a sweep, and never another's."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from labq.errors import StoreError
from labq.model.task import new
from labq.queue import Queue, recovery, retention, settings
from labq.queue.folders import Folders, in_use
from labq.store import Change, Now, open_store


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def here(queue, home):
    return replace(queue, home=home)


def ended(here, home, count=1, **more):
    """Tasks that have succeeded and left something in their folders; their ids."""
    tasks = [new({"n": n}) for n in range(count)]
    here.submit(tasks)
    ids = [task["_id"] for task in tasks]
    done = {"status": "success", "ended_at": here.store.now(), **more}
    here.store.update({"_id": {"$in": ids}}, Change(set=done))
    for identity in ids:
        leave(home, here.store, identity)
    return ids


def leave(home, store, identity):
    Folders(home, store).own(identity)
    folder = home / "tasks" / identity
    folder.mkdir(parents=True)
    (folder / "1.stdout").write_text("x")


def there(home):
    """The tasks that have folders, and those that are said to have had one."""
    marked = {one for mark in (home / "stores").iterdir() for one in mark.read_text().split()}
    return {path.name for path in (home / "tasks").iterdir()}, marked


def test_a_deleted_task_takes_its_folder_along(here, home):
    gone, kept = ended(here, home, 2)
    assert here.delete({"queue": here.name, "_id": gone}) == 1
    assert there(home) == ({kept}, {kept})


def test_a_removed_queue_takes_all_of_them_along(here, home):
    ended(here, home, 3)
    assert settings.delete(here.store, here.name, home=home) == 3
    assert there(home) == (set(), set())


def test_one_whose_time_is_over_takes_its_folder_along(here, home):
    ended(here, home, ended_at=Now(-9), retention={"ttl": 1})
    assert recovery.expire(here.store, here.name, home=home) == 1
    assert there(home) == (set(), set())


def test_one_that_makes_room_takes_its_folder_along(here, home):
    (gone,) = ended(here, home, retention={"auto_delete": True})
    here.store.queues.put(here.name, Change(set={"max_tasks": 1}))
    here.submit([new({})])
    assert here.count({"_id": gone}) == 0
    assert there(home) == (set(), set())
    assert retention.removable(here.store, here.name) == 0


def test_a_sweep_takes_what_a_removal_left_when_it_was_cut_short(here, home):
    gone, kept = ended(here, home, 2)
    here.store.delete({"_id": gone})
    assert there(home)[0] == {gone, kept}
    assert here.sweep().folders == 1
    assert there(home) == ({kept}, {kept})
    assert here.sweep().folders == 0


def test_a_worker_of_another_queue_sweeps_nothing_away(here, home):
    (gone,) = ended(here, home)
    other = Queue(here.store, "other", home=home)
    other.submit([new({})])
    assert other.sweep().folders == 0
    here.store.delete({"_id": gone})
    assert other.sweep().folders == 1


def test_stores_that_share_a_home_leave_one_anothers(here, home, tmp_path):
    (own,) = ended(here, home)
    with closing(open_store(f"sqlite:{tmp_path / 'second.db'}")) as store:
        second = Queue(store, "default", home=home)
        (theirs,) = ended(second, home)
        assert second.sweep().folders == here.sweep().folders == 0
        assert there(home)[0] == {own, theirs}
        leave_both = new({}) | {"_id": own}  # one key gives the same id in both stores
        second.submit([leave_both])
        Folders(home, store).own(own)
        second.delete({"queue": "default", "_id": own})
        assert there(home)[0] == {own, theirs}
        second.delete({"queue": "default"})
    assert there(home)[0] == {own}
    here.delete({"queue": here.name})
    assert there(home)[0] == set()


def test_a_copy_of_a_file_is_another_store(tmp_path, home):
    with closing(open_store(f"sqlite:{home / 'labq.db'}")) as store:
        old = Queue(store, "default", home=home)
        ended(old, home)
    shutil.copy(home / "labq.db", home / "copy.db")
    with closing(open_store(f"sqlite:{home / 'labq.db'}")) as store:
        (newer,) = ended(Queue(store, "default", home=home), home)
    with closing(open_store(f"sqlite:{home / 'copy.db'}")) as store:
        copy = Queue(store, "default", home=home)
        assert copy.sweep().folders == 0
        copy.delete({"queue": "default"})
    assert newer in there(home)[0]
    assert len(there(home)[0]) == 2


def test_a_home_that_moved_is_the_same(tmp_path, home):
    with closing(open_store(f"sqlite:{home / 'labq.db'}")) as store:
        ended(Queue(store, "default", home=home), home)
    moved = home.rename(tmp_path / "moved")
    with closing(open_store(f"sqlite:{moved / 'labq.db'}")) as store:
        Queue(store, "default", home=moved).delete({"queue": "default"})
    assert there(moved) == (set(), set())


def test_a_folder_in_which_a_job_runs_stays_until_it_has_ended(here, home):
    (gone,) = ended(here, home)
    using = in_use(home / "tasks" / gone)
    here.delete({"queue": here.name})
    assert here.sweep().folders == 0
    assert there(home) == ({gone}, {gone})
    os.close(using)
    assert here.sweep().folders == 1
    assert there(home) == (set(), set())


def test_links_are_not_followed(here, home, tmp_path):
    first, second = ended(here, home, 2)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    shutil.rmtree(home / "tasks" / first)
    (home / "tasks" / first).symlink_to(precious)
    (home / "tasks" / second / "link").symlink_to(precious)
    here.delete({"queue": here.name})
    assert there(home) == (set(), set())
    assert (precious / "file").exists()


def test_what_is_not_labqs_stays(here, home):
    ended(here, home)
    (home / "tasks" / "mine").mkdir()
    here.delete({"queue": here.name})
    assert here.sweep().folders == 0
    assert there(home)[0] == {"mine"}


def test_nothing_goes_where_the_store_does_not_answer(here, home, monkeypatch):
    (gone,) = ended(here, home)
    here.store.delete({"_id": gone})

    def away(*_args, **_more):
        raise StoreError("away")

    monkeypatch.setattr(here.store, "find", away)
    with pytest.raises(StoreError, match="away"):
        Folders(home, here.store).sweep()
    assert there(home)[0] == {gone}


def test_a_store_has_one_identity_that_is_made_when_it_is_asked_for(queue, uri):
    assert queue.store.identity() == ""
    made = queue.store.identity(make=True)
    with closing(open_store(uri)) as other:
        assert other.identity() == other.identity(make=True) == made != ""


def test_a_reset_removes_what_is_here_and_says_where_else_there_is_more(here, home):
    said = []
    attempts = [{"attempt": 1, "host": "gpu7"}, {"attempt": 2, "host": os.uname().nodename}]
    (one,) = ended(here, home, attempts=attempts)
    (home / "tasks" / one / "2.stdout").touch()
    (home / "tasks" / one / "1.stdout").unlink()
    ended(here, home, 2, attempts=[{"attempt": 1, "host": "gpu8"}])
    assert replace(here, say=said.append).reset({"queue": here.name}) == 3
    assert there(home) == (set(), set())
    told = "labq: what they left on other machines stays there, in LABQ_HOME/tasks: gpu7 (1)"
    assert said == [told]  # what gpu8 left lies in this HOME, which they share


def test_a_reset_of_what_ran_elsewhere_says_so(here, home):
    said = []
    ids = ended(here, home, 2, attempts=[{"attempt": 1, "host": "gpu8"}])
    for identity in ids:
        shutil.rmtree(home / "tasks" / identity)
    replace(here, say=said.append).reset({"queue": here.name})
    told = "labq: what they left on other machines stays there, in LABQ_HOME/tasks: gpu8 (2)"
    assert said == [told]


def test_a_disk_that_takes_no_note_keeps_nobody_from_removing_tasks(here, home):
    (gone,) = ended(here, home)
    (mark,) = (home / "stores").iterdir()
    mark.with_name(f"{mark.name}.part").mkdir()  # what is to be written cannot be
    assert here.delete({"queue": here.name, "_id": gone}) == 1
    assert there_are(home) == set()
    with pytest.raises(StoreError, match=r"\.part: Is a directory"):
        here.sweep()


def there_are(home):
    return {path.name for path in (home / "tasks").iterdir()}
