"""A body as its lease sees it."""

from __future__ import annotations

import math

import pytest

from labq.inprocess import body
from labq.worker.leases import LOST

# -- the activity ---------------------------------------------------------------------------------


@pytest.fixture
def bare(killed):
    calls = []
    one = body.Activity(None, lambda: calls.append("interrupt"), calls.append, 1)
    return one, calls


def test_the_first_reason_stands_and_interrupts_once(bare):
    one, calls = bare
    one.stop("first")
    one.stop("second")
    assert (calls, one.interrupts(), one.interrupts()) == (["interrupt"], "first", "")
    assert one.end() == "first"


def test_a_body_that_has_not_heard_is_interrupted_again(bare, monkeypatch):
    one, calls = bare
    monkeypatch.setattr(body, "AGAIN", 0)
    one.stop("why")
    one.tick()
    assert calls == ["interrupt"] * 2
    one.interrupts()
    assert one.tick() == math.inf
    assert calls == ["interrupt"] * 2


def test_what_is_over_is_neither_told_nor_killed(bare, killed):
    one, calls = bare
    assert one.end() == ""
    one.stop(LOST, by=0)
    one.kill(LOST)
    one.tick()
    assert (calls, one.told, one.interrupts()) == ([], False, "")
    assert not killed.is_set()


def test_a_lease_that_is_lost_already_leaves_it_a_moment(bare, killed):
    one, _ = bare
    one.stop(LOST, by=0)
    assert one.tick() > 0
    assert not killed.is_set()


def test_why_it_was_stopped_counts_only_where_it_knew(bare):
    one, _ = bare
    one.stop("why")
    assert one.end() == ""
    assert one.told
    assert one.end() == "why"
