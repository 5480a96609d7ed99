"""The tree in which a job runs: rebuilt from its task's source under the lease, then removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

from labq.errors import LabqError
from labq.queue import Claim
from labq.source.checkout import Checkouts
from labq.source.words import DIGITS
from labq.worker.lease import Held
from labq.worker.process import StartError
from labq.worker.shift import RELEASED, TIME_OVER, Shift


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """Its task was stopped before its job began."""

    def __init__(self, why: str, held: Held | None) -> None:
        super().__init__(why)
        self.why, self.held = why, held


class Rebuilding:
    """Stands for the job while its tree is made: the lease is renewed, and it may be stopped."""

    def __init__(self) -> None:
        self.why = ""

    def stop(self, why: str, by: float = inf) -> None:  # noqa: ARG002 - it ends at once
        """Ends it; the first reason stands."""
        self.why = self.why or why

    def pass_on(self, _number: int, why: str) -> None:
        """Ends it."""
        self.stop(why)

    def kill(self, why: str) -> None:
        """Ends it."""
        self.stop(why)

    def tick(self) -> float:
        """There is nothing that is due later."""
        return inf

    @property
    def stopped(self) -> bool:
        """Whether it is to end."""
        return bool(self.why)


@contextmanager
def tree(
    shift: Shift, claim: Claim, folder: str, asked: float
) -> Iterator[tuple[str | None, float]]:
    """Where the job runs, and since when the lease surely holds (monotonic), both for `Slot`.

    A task without a source runs where it would without this.

    Args:
        shift: the worker's.
        claim: the task's; nothing else renews it.
        folder: the task's own, in which the tree is made.
        asked: when it was asked for.

    Raises:
        StartError: the tree cannot be rebuilt.
        Stopped: it is not to run any more.
    """
    task = claim.task
    making, checkouts = Rebuilding(), Checkouts(shift.options.home)
    place = Path(folder) / f"{task['attempt']}.tree"
    shift.keeper.hold(claim, making, asked)
    if shift.stopping.is_set():
        making.stop(RELEASED if shift.left() > 0 else TIME_OVER)
    commit = "its tree"
    try:
        try:
            store = shift.queue.store
            source = next(store.find({"_id": task["_id"]}, fields=("source",)), {}).get("source")
            if source is None:
                shift.say(f"task {task['number']} has no source: it runs where the worker is")
                where = task.get("cwd")
            else:
                commit = source.get("commit", commit)[:DIGITS]
                where = checkouts.build(source, store.blobs, place, lambda: making.stopped)
        except (LabqError, OSError) as error:
            if not making.stopped:
                told = getattr(error, "strerror", None) or str(error)
                raise StartError(f"cannot check out {commit}: {told}") from None
        finally:
            held = shift.keeper.drop(claim)
        if making.stopped:
            raise Stopped(making.why, held)
        yield where, held.until - shift.options.lease if held else asked
    finally:
        checkouts.remove(place)
