"""Lengths of time as a program gives them: seconds, a timedelta, a text."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.mark.parametrize("length", [600, "10m", timedelta(minutes=10)])
def test_a_length_may_be_set_as_it_may_be_submitted(client, length):
    task = client.submit({}, timeout="1h")
    task.timeout = length
    task.save()
    copy = task.clone(retry_delay=length)
    client.update({"timeout": length}, copy)
    assert (task.timeout, copy.retry_delay, client.get(2).timeout) == (600, 600, 600)
