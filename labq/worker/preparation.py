"""What is made ready for a job before it begins, under its task's lease."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from labq.errors import StoreError, UnusableError
from labq.queue import Claim
from labq.worker.leases import Held
from labq.worker.process import StartError
from labq.worker.state import RELEASED, TIME_OVER, Shift


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """A task was stopped before its job began."""

    def __init__(self, why: str, held: Held | None) -> None:
        super().__init__(why)
        self.why, self.held = why, held


class Preparation:
    """Stands for the job while it is made ready: the lease is renewed, and it may be stopped."""

    def __init__(self, since: float) -> None:
        self.since = since  # when the lease surely began, once it is done (monotonic)
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

    def stopped(self) -> bool:
        """Whether it is to end."""
        return bool(self.why)


@contextmanager
def preparing(shift: Shift, claim: Claim, asked: float) -> Iterator[Preparation]:
    """Holds the claim, which nothing else renews; it was asked for at monotonic second `asked`.

    Raises:
        Stopped: the task is not to run any more.
    """
    making = Preparation(asked)
    shift.keeper.hold(claim, making, asked)
    if shift.stopping.is_set():
        making.stop(RELEASED if shift.left() > 0 else TIME_OVER)
    held = None
    try:
        yield making
    except StartError:
        if not making.stopped():
            raise
    finally:
        held = shift.keeper.drop(claim)
    if making.stopped():
        raise Stopped(making.why, held)
    making.since = held.until - shift.options.lease if held else asked


def alone(shift: Shift, claim: Claim, asked: float) -> float:
    """Ends what the earlier attempts of the task have left running here.

    Returns when its lease surely began (monotonic), as it has been renewed meanwhile.

    Raises:
        Stopped: the task is not to run any more.
    """
    from labq.worker import survivors  # a first attempt needs none of it

    with preparing(shift, claim, asked) as making:
        while not making.stopped():
            try:
                left = survivors.earlier(shift.queue.store, claim, shift.options.uri)
            except UnusableError:  # noqa: PERF203 - what else it is may come back
                raise
            except StoreError as error:
                shift.say(f"task {claim.task['number']}: cannot begin yet: {error}")
                shift.stopping.wait(1)
            else:
                survivors.end(left, shift.say, making.stopped)
                break
    return making.since
