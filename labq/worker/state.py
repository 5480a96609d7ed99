"""What the slots of one worker share: what it goes by, may still claim, and has done."""

from __future__ import annotations

import os
import shlex
import socket
import threading
import time
from collections.abc import Callable
from math import inf

from labq.errors import StoreError
from labq.model.sound import MALFORMED
from labq.model.task import Document, Status
from labq.queue import Claim, Queue, WorkerName, claims, dependencies, recovery
from labq.queue.folders import Folders
from labq.store import Query
from labq.store.base import CLAIM_ORDER
from labq.worker.capacity import Capacity, Grant, Turn
from labq.worker.idle import Idleness
from labq.worker.leases import Keeper
from labq.worker.malformed import Malformed
from labq.worker.notifier import Notifier
from labq.worker.options import Finished, Options, Tally
from labq.worker.output import Echo
from labq.worker.recent import Recent
from labq.worker.signals import STOPPING

RELEASED = "the worker was stopped"
TIME_OVER = "the worker's time was over"
FAILURES = frozenset({"failed", "retried"})
# Why a worker gives up; the number of failures stands behind, so that one reads as well as ten.
UNSTARTED = "tasks that could not start, in a row: {count} (--max-start-failures)"
FAILED = "attempts that failed: {count} (--max-failures)"
IN_A_ROW = "tasks that failed, in a row: {count} (--max-consecutive-failures)"
GIVEN_BACK = frozenset({RELEASED, TIME_OVER})  # a job that ends so costs its task nothing
DOUBT = 3  # leases after which a claim that failed is not carried out any more
SOON = 0.05  # seconds: a look at what is due is followed by another no sooner
SHARED = 0.5  # seconds within which a signal reaches all that it was sent to
REST = 1.0  # seconds: a slot that waits looks around at least so often


class Shift:
    """One worker's work on one queue, shared by its slots; safe from all of their threads."""

    own = False  # whether its task is this process's, and nobody else is to run it

    def __init__(
        self,
        queue: Queue,
        query: Query,
        options: Options,
        on_finish: Callable[[Finished], None],
        say: Callable[[str], None],
    ) -> None:
        self.queue, self.query, self.options = queue, query, options
        self.on_finish, self.say = on_finish, say
        host = socket.gethostname()
        self.name = WorkerName(f"{host}-{os.getpid()}-{os.urandom(2).hex()}", host)
        outer = ("LABQ_INDEX", "LABQ_COUNT")  # of a job that began this worker
        self.environment = {key: text for key, text in os.environ.items() if key not in outer}
        margin = min(options.grace, options.lease / 4)
        self.keeper = Keeper(queue.store, options.lease, options.heartbeat, margin, say)
        self.recent = Recent(queue.store)
        self.notifier = Notifier(queue, options.uri, options.hook, self.environment, say)
        self.tally = Tally()
        self.stopping = threading.Event()
        self.echo = Echo(options.follow, self.stopping).copy
        self.capacity = Capacity(
            options.cpus,
            options.memory,
            options.gpus,
            gpus_per_task=options.gpus_per_task,
            labels=options.labels,
        )
        self.turn = Turn()
        self.folders = Folders(options.home, queue.store)
        self.claims = 0
        self.job_descriptors: int | None = None  # how many a job may open, if not as many as we
        self._malformed = Malformed(queue, self.say)
        self._doubtful: dict[str, float] = {}  # tokens of claims that failed, and when
        self.busy = 0  # slots that hold a task
        self._draining = False
        self._paused_by: set[str] = set()  # "worker", "queue"
        self._changed = threading.Condition()
        self._telling = threading.Lock()  # not that of `_changed`: who is told may be slow
        self._changes = 0
        self._settling, self._settled = threading.Lock(), -1  # the moment when all were told
        self._idle = Idleness()
        limit = inf if options.time_limit is None else options.time_limit
        self._end = time.monotonic() + limit
        self._last_call = self._end - min(options.grace, limit / 4)  # jobs are asked to end

    # what the slots ask

    @property
    def open(self) -> bool:
        """Whether the worker still claims, or will when it is no longer paused."""
        limit = self.options.max_tasks
        spent = limit is not None and self.claims >= limit
        return not (self.stopping.is_set() or self._draining or spent)

    @property
    def full(self) -> bool:
        """Whether every slot holds a task."""
        return self.busy >= self.options.slots

    @property
    def paused(self) -> bool:
        """Whether somebody paused the worker or its queue."""
        return bool(self._paused_by)

    def claim(
        self, worker: WorkerName, unfit: list[Document], since: float = inf
    ) -> tuple[Claim, Grant] | None:
        """The next task that fits, and what it was given of the machine; None where none is.

        Its lease counts from now, or from monotonic second `since` if that was before.

        Raises:
            StoreError: it is not known whether a task was taken, or it was known too late.
        """
        with self.capacity.claiming():
            if not self.open or self.paused:
                return None
            claim = self._asked(worker, unfit, min(since, time.monotonic()))
            if claim is None:
                return None
            grant = self.capacity.take(claim.task)
            self.claims += 1
            self.busy += 1
            return claim, grant

    def uncount(self) -> None:
        """A task that was claimed is given back unrun: --max-tasks does not count it."""
        with self.capacity.claiming():
            self.claims -= 1

    def _asked(self, worker: WorkerName, unfit: list[Document], since: float) -> Claim | None:
        """What the store grants, in time for a job to begin."""
        token, lease = claims.new_token(), self.options.lease
        self._idle.ask()
        try:
            wanted = self._query(unfit)
            passing = self._malformed.pass_over
            claim = claims.claim(self.queue.store, wanted, worker, lease, token, passing)
        except StoreError:
            self._doubtful[token] = time.monotonic()  # it may have been granted all the same
            raise
        took = time.monotonic() - since
        if claim is not None and took >= lease - self.keeper.margin:
            self._doubtful[token] = time.monotonic()
            self.disown()
            raise StoreError(f"the answer took {took:.1f} s, too long for a lease of {lease:g} s")
        self._idle.answer()
        return claim

    def look_again(self) -> None:
        """Looks whether malformed tasks are mended."""
        if self._malformed.look_again():
            self.wake()

    def disown(self) -> int:
        """Releases what claims took whose answer never came: a store may answer late; how many."""
        doubtful = dict(self._doubtful)
        if not doubtful:
            return 0
        released = claims.disown(self.queue.store, self.queue.name, list(doubtful), self.name)
        for token, asked in doubtful.items():
            if time.monotonic() - asked > DOUBT * self.options.lease:
                self._doubtful.pop(token, None)  # unless another thread has
        return released

    def _query(self, unfit: list[Document]) -> Document:
        parts = [self.query, self.capacity.query(), self.turn.query()]
        if self.options.time_limit is not None:
            parts.append({"timeout": {"$not": {"$gt": int(self.left())}}})
        if unfit:
            parts.append({"$nor": unfit})
        parts.append(self._malformed.query)
        return {"queue": self.queue.name, "$and": [part for part in parts if part]}

    def left(self) -> float:
        """Seconds until what runs is asked to end, so that the worker has ended in time."""
        return self._last_call - time.monotonic()

    def ended(self, finished: Finished | None, grant: Grant) -> None:
        """Takes an attempt's end, None where the worker failed; gives back what it used."""
        self.capacity.give(grant)
        with self._changed:
            self.busy -= 1
            self._idle.begin()
            if finished is not None:
                told = self.tally.by_status
                told[finished.became] = told.get(finished.became, 0) + 1
                self._judge(finished)
        self.wake()
        if finished is not None:
            with self._telling:
                self.on_finish(finished)
                self.notifier.tell(finished)

    def _judge(self, finished: Finished) -> None:
        """Claims no more where too much has failed: in all, or in a row on a broken machine.

        A success ends a row; an attempt that was cancelled, given back or lost says nothing. A task
        that fails again and again counts once: it is no sign of a broken machine.
        """
        options, tally, task = self.options, self.tally, finished.task
        if finished.became == Status.SUCCESS.value:
            tally.row.clear()
            tally.unstarted.clear()
        elif finished.became in FAILURES:
            if options.max_consecutive_failures is not None:
                tally.row.add(task["_id"])
            if not finished.unstarted:
                tally.unstarted.clear()
            else:
                tally.unstarted.add(task["_id"])
        for count, limit, told in (
            (len(tally.unstarted), options.max_start_failures, UNSTARTED),
            (tally.failures, options.max_failures, FAILED),
            (len(tally.row), options.max_consecutive_failures, IN_A_ROW),
        ):
            if limit is not None and count >= limit and not tally.gave_up:
                tally.gave_up = f"{told.format(count=count)}: {self._way_on(task)}"
        self._draining = self._draining or bool(tally.gave_up)

    def _way_on(self, task: Document) -> str:
        """What to do about failures, of which the task's is the last."""
        queue = f" --queue {shlex.quote(self.queue.name)}"
        return (
            f"labq task show{queue} {task['number']} says why; once that is mended, "
            f"labq task requeue{queue} -s failed runs what failed again"
        )

    def give_up(self, why: str) -> None:
        """Claims no more, for this is not the place to run tasks; the worker ends as a failure."""
        with self._changed:
            first = not self.tally.gave_up
            self.tally.gave_up = self.tally.gave_up or why
        self.drain()
        if first and self.busy > 1:
            self.say(f"{why}: finishing what runs, claiming no more")

    def stays(self, since: int) -> bool:
        """Whether a slot that found nothing, at that `moment`, waits for more.

        A worker that drains the queue waits for its own slots' tasks, which may set others free,
        and for retries; it first takes back what it holds unknowingly and what dead workers hold,
        and tells whom they did not.
        """
        options = self.options
        if options.forever or options.idle_timeout is not None:
            return True
        if self.busy or self._changes != since:
            return True
        store, name = self.queue.store, self.queue.name
        if self.disown() + recovery.recover(store, name) + dependencies.promote(store, name)[0]:
            self.wake()
        self.look_again()
        if self._changes != since or self._retries() > 0:
            return True
        self._settle()
        return self._changes != since

    def _settle(self) -> None:
        """Tells those that wait for others how these ended, where whoever ended them did not.

        Where many wait that takes its time: one slot does it for all, once until something changes.
        """
        with self._settling:
            moment = self._changes
            if self._settled == moment:
                return
            if dependencies.settle(self.queue.store, self.queue.name):
                self.wake()
            else:
                self._settled = moment

    def _retries(self) -> int:
        """How many tasks wait for their next attempt."""
        waiting = {"status": Status.WAITING.value, "attempt": {"$gt": 0}}
        again = {**waiting, "waiting_for": {"$exists": False}}
        return self.queue.count({"$and": [self.query, again], "queue": self.queue.name})

    def take_turns(self, now: float) -> None:
        """Lets the first task that the machine could run, but not beside what runs, come next.

        Where it has been the first for long, smaller ones behind it wait (`Turn`), so that room for
        it can gather.
        """
        if self.capacity.whole:
            self.turn.see(None, (), now)
            return
        queue = self.queue
        parts = [self.query, self.capacity.whole_query(), {"$nor": [self.capacity.query()]}]
        blocked = {"$and": [part for part in parts if part], "status": Status.PENDING.value}
        blocked["queue"] = queue.name
        fields = ("priority", "number", "resources")
        found = queue.find(blocked, sort=CLAIM_ORDER, fields=fields)
        first = next((task for task in found if MALFORMED not in task), None)
        self.turn.see(first, self.capacity.lacking(first) if first else (), now)

    # waiting and waking

    def moment(self) -> int:
        """A number that changes when there is something new to look at."""
        return self._changes

    def rest(self, since: int) -> None:
        """Waits until something has changed since that `moment`."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != since or not self.open, REST)

    def wake(self) -> None:
        """Lets all slots that rest look again."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    # what ends the work

    def drain(self) -> None:
        """Claims no more; what runs goes on to its end."""
        self._draining = True
        self.wake()

    def stop(self, why: str = RELEASED) -> None:
        """Claims no more, and stops what runs; it has ended when the worker's time is over."""
        self.stopping.set()
        for job in self.keeper.jobs:
            job.stop(why, by=self._end)
        self.wake()

    def shares(self, number: int) -> bool:
        """Whether the signal that ended a job ends the worker too.

        A scheduler sends it to all processes of its own job, the worker's a moment later perhaps.
        """
        if self.own:
            return False
        if number in STOPPING:
            self.stopping.wait(SHARED)
        return self.tally.stopped_by == number

    def tick(self) -> float:
        """Ends the work where its time or its patience is over; the monotonic time of the next."""
        now = time.monotonic()
        due = now + self.left()
        if now >= due and not self.stopping.is_set():
            self.say("the time limit is near: stopping what runs and giving the tasks back")
            self.stop(TIME_OVER)
        patience = self.options.idle_timeout
        if patience is None or self.busy or self._draining:
            return due if due > now else inf
        if (left := patience - self._idle.seconds) <= 0:
            self.say(f"no work for {patience:g} s: ending")
            self.drain()
        return min(due, now + max(left, SOON))

    def pause(self, what: str, paused: bool) -> bool:
        """Claims nothing while the "worker" or its "queue" is paused; whether that is new."""
        if paused == (what in self._paused_by):
            return False
        (self._paused_by.add if paused else self._paused_by.discard)(what)
        self.wake()
        return True

    @property
    def phase(self) -> str:
        """What the worker is at: "stopping", "draining", "paused", "busy" or "idle"."""
        if self.stopping.is_set():
            return "stopping"
        if self._draining:
            return "draining"
        return "paused" if self._paused_by else "busy" if self.busy else "idle"
