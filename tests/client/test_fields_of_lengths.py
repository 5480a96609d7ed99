"""Lengths of time as a program gives them: seconds, a timedelta, a text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labq.errors import UsageError


@pytest.mark.parametrize("length", [600, "10m", timedelta(minutes=10)])
def test_a_length_may_be_set_as_it_may_be_submitted(client, length):
    task = client.submit({}, timeout="1h")
    task.timeout = length
    task.save()
    copy = task.clone(retry_delay=length)
    client.update({"timeout": length}, copy)
    assert (task.timeout, copy.retry_delay, client.get(2).timeout) == (600, 600, 600)


@pytest.mark.parametrize("length", [600, "10m", timedelta(minutes=10)])
def test_a_task_is_kept_for_a_length(client, length):
    task = client.task(ttl="1h", auto_delete=True)
    assert (task.ttl, task.auto_delete) == (3600, True)
    task.ttl = length
    task.submit()
    assert client.get(1).retention == {"ttl": 600, "auto_delete": True}
    task.auto_delete = None
    task.save()
    assert (client.get(1).retention, task.auto_delete) == ({"ttl": 600}, False)
    task.ttl = None
    task.save()
    task.retention = {"ttl": length}
    task.save()
    task.retention["ttl"] = length
    assert task.save().ttl == 600
    copy = task.clone(retention={"ttl": length})
    assert task.clone(**{"retention.ttl": length}).ttl == copy.ttl == 600
    client.update({"retention.ttl": length}, copy)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("ttl", 0, "'0' is out of range (durations are above zero, at most 36500d)"),
        ("ttl", [], "ttl must be seconds, a timedelta or such as '10m', not []"),
        ("auto_delete", "no", "auto_delete must be True or False, not 'no'"),
    ],
)
def test_what_is_no_retention_is_refused(client, field, value, told):
    task = client.task(ttl=5)
    with pytest.raises(UsageError) as caught:
        setattr(task, field, value)
    assert str(caught.value) == told
    assert task.ttl == 5
