"""The keeper of leases: what it renews, and what it stops in time."""

from __future__ import annotations

import time

import pytest

from labq.errors import StoreError
from labq.queue import Claim, WorkerName
from labq.queue.claims import Renewal
from labq.worker import leases
from labq.worker.leases import CANCELLED, LOST, Keeper


class Stopped:
    """A job that notes how it is stopped."""

    def __init__(self):
        self.why, self.by, self.killed = "", None, False

    def stop(self, why, by):
        self.why, self.by = why, by

    def kill(self, why):
        self.why, self.killed = why, True


@pytest.fixture
def said():
    return []


@pytest.fixture
def keeper(said):
    return Keeper(None, 60.0, 10.0, 10.0, said.append)


def claim(token="t"):  # noqa: S107
    return Claim({"_id": token}, token, WorkerName("w", "h"))


def test_a_job_is_stopped_before_its_lease_may_run_out_though_nobody_renews(keeper):
    fresh, stale = Stopped(), Stopped()
    now = time.monotonic()
    keeper.hold(claim("fresh"), fresh, now)
    keeper.hold(claim("stale"), stale, now - 51)
    due = keeper.enforce()
    assert (fresh.why, stale.why) == ("", LOST)
    assert stale.by == pytest.approx(now - 51 + 60 - 5)
    assert due == pytest.approx(now + 50)


def test_a_renewal_counts_from_before_it_was_asked(keeper, monkeypatch):
    job = Stopped()
    keeper.hold(claim(), job, time.monotonic() - 51)
    monkeypatch.setattr(leases.claims, "renew", lambda *_: Renewal())
    keeper.beat()
    keeper.enforce()
    assert job.why == ""
    assert keeper.drop(claim()).until == pytest.approx(time.monotonic() + 60, abs=1)


def test_what_is_lost_is_stopped_at_once(keeper, monkeypatch):
    kept, lost = Stopped(), Stopped()
    keeper.hold(claim("kept"), kept, time.monotonic())
    keeper.hold(claim("lost"), lost, time.monotonic())
    monkeypatch.setattr(leases.claims, "renew", lambda *_: Renewal(frozenset({"lost"})))
    keeper.beat()
    assert (kept.why, lost.why) == ("", LOST)
    assert lost.by <= time.monotonic()


def test_a_renewal_that_fails_is_told_and_stops_nothing_by_itself(keeper, monkeypatch, said):
    def away(*_):
        raise StoreError("it is away")

    job = Stopped()
    keeper.hold(claim(), job, time.monotonic())
    monkeypatch.setattr(leases.claims, "renew", away)
    keeper.beat()
    assert said == ["cannot renew: it is away"]
    assert job.why == ""


@pytest.mark.parametrize(
    ("grace", "killed", "by"), [(None, False, float("inf")), (5, False, 5), (0, True, None)]
)
def test_what_is_asked_to_stop_is_given_the_grace_that_was_asked(
    keeper, monkeypatch, grace, killed, by
):
    job = Stopped()
    keeper.hold(claim(), job, time.monotonic())
    request = {"reason": "a mistake"} | ({} if grace is None else {"grace": grace})
    monkeypatch.setattr(leases.claims, "renew", lambda *_: Renewal(stopping={"t": request}))
    keeper.beat()
    assert (job.why, job.killed) == (CANCELLED, killed)
    assert killed or job.by - (time.monotonic() if grace else 0) == pytest.approx(by, abs=1)
    assert keeper.drop(claim()).asked == request


@pytest.mark.parametrize(
    "grace", ["soon", "0", None, -1, float("nan"), float("inf"), 10**400, False, [5]], ids=repr
)
def test_a_grace_that_makes_no_sense_is_the_workers_own(keeper, monkeypatch, grace):
    job = Stopped()
    keeper.hold(claim(), job, time.monotonic())
    request = {"reason": "a mistake", "grace": grace}
    monkeypatch.setattr(leases.claims, "renew", lambda *_: Renewal(stopping={"t": request}))
    keeper.beat()
    assert (job.why, job.killed, job.by) == (CANCELLED, False, float("inf"))
    assert keeper.drop(claim()).asked == {"reason": "a mistake"}


def test_a_request_to_stop_need_not_wait_for_the_heartbeat(keeper, monkeypatch):
    job = Stopped()
    keeper.hold(claim(), job, time.monotonic())
    monkeypatch.setattr(leases.claims, "stop_requests", lambda *_: {"t": {"reason": "x"}})
    keeper.obey()
    assert job.why == CANCELLED
    job.why = ""
    keeper.obey()  # told once
    assert job.why == ""
