"""The source of a task, changed from Python."""

from __future__ import annotations

import pytest

from labq.errors import UsageError

PATCH = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"


def kept(client, task, part):
    return client.queue.store.blobs.get(task.source[part]["blob"])


def test_keys_that_are_set_are_saved(client):
    task = client.task({"lr": 1}).save()
    task.source["commit"] = "ABCDEF0"
    task.source["packages"] = ["numpy>=1.26", "torch"]
    task.source["diff"] = PATCH.encode()
    task.save()
    again = client.get(task.number)
    assert again.source["commit"] == "abcdef0"
    assert kept(client, again, "packages") == b"numpy>=1.26\ntorch\n"
    assert kept(client, again, "diff") == PATCH.encode()
    assert again.source["host"]  # beside them
    del again.source["diff"]
    again.save()
    assert "diff" not in client.get(task.number).source


def test_a_new_task_has_what_was_recorded_and_what_was_set(client):
    task = client.task({"lr": 1})
    task.source["commit"] = "abcdef0"
    task.submit()
    assert (task.source["commit"], bool(task.source["host"])) == ("abcdef0", True)


def test_an_update_and_a_clone_set_them(client):
    task = client.task({"lr": 1}).save()
    client.update({"source.packages": "numpy\n"}, task)
    assert kept(client, task.refresh(), "packages") == b"numpy\n"
    copy = task.clone(**{"source.commit": "abcdef0", "source.packages": ["torch"]})
    assert kept(client, copy, "packages") == b"torch\n"
    assert copy.source["commit"] == "abcdef0"
    (other,) = client.clone(task, **{"source.packages": "jax"})
    assert kept(client, other, "packages") == b"jax\n"
    task.source = copy.source
    task.save()
    assert client.get(task.number).source == copy.source


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("comit", "abcdef0", "no source.comit: did you mean source.commit?"),
        ("commit", 5, "source.commit must be a text, not '5'"),
        ("packages", {"x": 1}, "source.packages must be a text, not \"{'x': 1}\""),
        ("packages", 5, "source.packages must be a text, not '5'"),
        ("diff", {"blob": "0" * 64}, "source.diff: the store has no such content"),
    ],
)
def test_what_no_source_can_hold_is_refused(client, key, value, told):
    task = client.task({"lr": 1}).save()
    before = task.source
    task.source[key] = value
    with pytest.raises(UsageError) as caught:
        task.save()
    assert str(caught.value).startswith(told)
    with pytest.raises(UsageError):
        client.update({f"source.{key}": value}, task)
    with pytest.raises(UsageError):
        task.drop_changes().clone(**{f"source.{key}": value})
    new = client.task({"lr": 1})
    new.source[key] = value
    with pytest.raises(UsageError):
        new.submit()
    assert client.get(task.number).source.keys() == before.keys() - {key} or key != "comit"
    assert client.count() == 1
