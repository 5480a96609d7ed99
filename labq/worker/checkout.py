"""Where a job runs: its task's tree, rebuilt under the lease and then removed, and packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labq.errors import LabqError, TemplateError
from labq.queue import Claim
from labq.source.describe import DIGITS
from labq.source.rebuild import Checkouts
from labq.source.relocate import Misplaced, Relocation
from labq.worker.limits import exhausted
from labq.worker.preparation import Preparation, preparing
from labq.worker.process import StartError
from labq.worker.state import Shift


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
    task, checkouts = claim.task, Checkouts(shift.options.home)
    tree = Path(folder) / f"{task['attempt']}.tree"
    try:
        with preparing(shift, claim, asked) as making:
            made = _made(shift, claim, checkouts, tree, making)
        yield replace(made, since=making.since)
    finally:
        checkouts.remove(tree)


def _made(
    shift: Shift, claim: Claim, checkouts: Checkouts, tree: Path, making: Preparation
) -> Place:
    """The place of the job, once the tree is there; its lease has to be looked at again."""
    task, options, store = claim.task, shift.options, shift.queue.store
    where: str | None = task.get("cwd")
    variables: dict[str, str] = {}
    moved = None
    what = "check out its tree"
    try:
        found = next(store.find({"_id": task["_id"]}, fields=("source",)), {})
        source = found.get("source", {})
        if options.checkout and not source.keys() & {"commit", "cwd", "root"}:
            shift.say(f"task {task['number']} has no source: it runs where the worker is")
        elif options.checkout:
            what = f"check out {source.get('commit', 'its tree')[:DIGITS]}"
            built = checkouts.build(source, store.blobs, tree, making.stopped)
            where = built if "cwd" in source else where
            moved = Relocation.of(source, str(tree), where)
        if options.venv:
            from labq.source import venv

            what = "make its environment"
            variables = venv.build(options.home, source, store.blobs, making.stopped)
    except (LabqError, OSError) as error:
        if spent := exhausted(error):
            raise spent from None
        told = getattr(error, "strerror", None) or str(error)
        raise StartError(f"cannot {what}: {told}") from None
    return Place(where, variables, making.since, moved, source)
