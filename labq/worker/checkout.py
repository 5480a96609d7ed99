"""Where a job runs: its task's tree, rebuilt under the lease and then removed, and packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from labq.errors import LabqError, TemplateError
from labq.queue import Claim
from labq.source.checkout import Checkouts
from labq.source.relocate import Misplaced, Relocation
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


@dataclass(frozen=True)
class Place:
    """Where a job runs, with which variables, and since when its lease surely holds (monotonic)."""

    folder: str | None
    variables: Mapping[str, str]
    since: float
    moved: Relocation | None = None  # into the tree
    source: Mapping[str, Any] = field(default_factory=dict)  # of the task

    def command(
        self, argv: list[str], environment: Mapping[str, str], *, named: bool
    ) -> tuple[list[str], dict[str, str]]:
        """The command and the variables as they are there.

        Raises:
            TemplateError: the script is elsewhere, in a command that the worker names.
            StartError: the script is elsewhere, in the task's own.
        """
        if self.moved is None:
            return argv, dict(environment)
        try:
            return self.moved.argv(argv), self.moved.environment(environment)
        except Misplaced as error:
            if named:
                raise TemplateError(str(error)) from None
            raise StartError(f"cannot check it out: {error}") from None


@contextmanager
def prepared(shift: Shift, claim: Claim, folder: str, asked: float) -> Iterator[Place]:
    """Where the job runs: in its tree, with its packages, as the worker's options say.

    A task that is of no repository runs where it would without this.

    Args:
        shift: the worker's.
        claim: the task's; nothing else renews it.
        folder: the task's own, in which the tree is made.
        asked: when it was asked for.

    Raises:
        StartError: one of them cannot be rebuilt.
        Stopped: it is not to run any more.
    """
    task = claim.task
    making, checkouts = Rebuilding(), Checkouts(shift.options.home)
    tree = Path(folder) / f"{task['attempt']}.tree"
    shift.keeper.hold(claim, making, asked)
    if shift.stopping.is_set():
        making.stop(RELEASED if shift.left() > 0 else TIME_OVER)
    try:
        try:
            made = _made(shift, claim, checkouts, tree, making)
        except StartError:
            if not making.stopped:
                raise
            made = _Made()
        finally:
            held = shift.keeper.drop(claim)
        if making.stopped:
            raise Stopped(making.why, held)
        since = held.until - shift.options.lease if held else asked
        yield Place(made.folder, made.variables, since, made.moved, made.source)
    finally:
        checkouts.remove(tree)


@dataclass(frozen=True)
class _Made:
    """A `Place`, but for since when."""

    folder: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    moved: Relocation | None = None
    source: Mapping[str, Any] = field(default_factory=dict)


def _made(
    shift: Shift, claim: Claim, checkouts: Checkouts, tree: Path, making: Rebuilding
) -> _Made:
    task, options, store = claim.task, shift.options, shift.queue.store
    where: str | None = task.get("cwd")
    variables: dict[str, str] = {}
    moved = None
    what = "check out its tree"

    def stopped() -> bool:
        return making.stopped

    try:
        found = next(store.find({"_id": task["_id"]}, fields=("source",)), {})
        source = found.get("source", {})
        if options.checkout and not source.keys() & {"commit", "cwd", "root"}:
            shift.say(f"task {task['number']} has no source: it runs where the worker is")
        elif options.checkout:
            what = f"check out {source.get('commit', 'its tree')[:DIGITS]}"
            built = checkouts.build(source, store.blobs, tree, stopped)
            where = built if "cwd" in source else where
            moved = Relocation.of(source, str(tree), where)
        if options.venv:
            from labq.source import venv

            what = "make its environment"
            variables = venv.build(options.home, source, store.blobs, stopped)
    except (LabqError, OSError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise StartError(f"cannot {what}: {told}") from None
    return _Made(where, variables, moved, source)
