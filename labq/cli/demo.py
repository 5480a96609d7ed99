"""`labq demo`."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from contextlib import suppress
from itertools import count, product
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note, public
from labq.command.template import parse_command
from labq.errors import LabqError
from labq.model.task import Document, new
from labq.queue import Queue
from labq.queue import settings as queue_settings
from labq.queue.recovery import expire
from labq.store import Store

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.worker import Tally

RATES = (0.01, 0.1, 0.5, 2.0)
PENALTIES = (0.0, 0.01, 0.1)
KEPT = "1d"  # how long what a demo leaves may be looked at
SCRIPT = ("-m", "labq.demo.train")


def command(
    uri: options.Uri = None,
    queue: options.QueueName = None,
    json: options.Json = False,
) -> None:
    """Run a real sweep in a queue of its own: 12 trainings, ranked by the accuracy they report.

    They stay for a day, to be looked at; of a demo that is stopped nothing stays.

    Examples:
      labq demo
      labq demo --uri mongodb://localhost/lab
    """
    settings = options.settings(uri, queue)
    store = options.queue_of(settings).store
    here = Queue(store, queue or _free_name(store, settings.home), note, settings.home)
    is_new = queue_settings.record_of(store, here.name) is None
    grid = [{"lr": lr, "l2": l2} for lr, l2 in product(RATES, PENALTIES)]
    began = time.monotonic()
    tasks = [new(args, name="demo", tags=["demo"], retention={"ttl": KEPT}) for args in grid]
    own: Document = {"queue": here.name, "_id": {"$in": [task["_id"] for task in tasks]}}
    try:
        here.submit(tasks)
        note(f"submitted {len(grid)} tasks to queue {here.name} ({store.address}); running them")
        tally = _work(here, own, settings, quiet=json)
    except BaseException:
        _clean_up(here, own, whole=is_new)
        raise
    if tally.stopped_by:
        _clean_up(here, own, whole=is_new)
        raise typer.Exit(128 + tally.stopped_by)
    ranked = list(here.find(own, sort=[("summary.accuracy", -1), ("summary.loss", 1)]))
    if json:
        for task in ranked:
            json_line(public(task))
    else:
        _show(ranked, here.name, time.monotonic() - began)
    if any(task["status"] != "success" for task in ranked):
        raise LabqError(f"some tasks failed: labq task show --queue {here.name} NUMBER says why")


def _work(here: Queue, own: Document, settings: Settings, *, quiet: bool) -> Tally:
    """Runs the demo's own tasks, whatever else is in the queue."""
    from labq.worker import Finished, Options, Worker

    def tell(finished: Finished) -> None:
        if finished.became != "success":
            note(f"task {finished.task['number']} {finished.became}: {finished.reason}")

    template = parse_command([sys.executable, *SCRIPT])
    works = Options(
        settings.home, settings.uri, settings.lease, settings.heartbeat, template, slots=2,
        follow={} if quiet else {"stdout": sys.stderr.buffer},
    )  # fmt: skip
    return Worker(here, own, works, tell, note).run()


def _clean_up(here: Queue, own: Document, *, whole: bool) -> None:
    """Removes the tasks of a demo that does not come to its end, and a queue that was made for it.

    What cannot be removed now goes in its time, as what a finished demo leaves.
    """
    with suppress(LabqError):
        here.delete(own, force=True)
        if whole and not here.count({"queue": here.name}):
            queue_settings.delete(here.store, here.name, home=here.home)
        note(f"labq: stopped: removed what the demo had put into queue {here.name}")


def _free_name(store: Store, home: Path) -> str:
    """`demo`, or the first `demo-N` in which there is no task.

    Those of earlier demos whose time is over are removed.
    """
    names = (f"demo-{number}" if number > 1 else "demo" for number in count(1))
    return next(name for name in names if _is_free(store, name, home))


def _is_free(store: Store, name: str, home: Path) -> bool:
    expire(store, name, home=home)
    return next(store.find({"queue": name}, limit=1, fields=("_id",)), None) is None


def _show(ranked: list[Document], name: str, wall: float) -> None:
    from labq.cli import render

    rows = [
        (
            str(at),
            str(task["number"]),
            *(f"{task['args'][key]:g}" for key in ("lr", "l2")),
            *_scores(task),
        )
        for at, task in enumerate(ranked, start=1)
    ]
    line("")
    render.ranking(rows, ("rank", "task", "lr", "l2", "accuracy", "loss"))
    found = shutil.which("python")
    python = (
        "python" if found and Path(found).parent == Path(sys.executable).parent else sys.executable
    )
    rates, penalties = (" ".join(f"{value:g}" for value in values) for values in (RATES, PENALTIES))
    line(f"\n{len(ranked)} trainings in {wall:.1f} s. The same by hand:\n")
    submit = "labq task submit -- --lr $lr --l2 $l2"
    line(f"  sh -c 'for lr in {rates}; do for l2 in {penalties}; do {submit}; done; done'")
    line(f"  labq worker run -- {shlex.quote(python)} {' '.join(SCRIPT)}")
    line("  labq task ls --sort summary.accuracy:desc")
    line(f"\nAll of this sweep, for a day: labq task ls --queue {name}")
    line(f"Remove it now: labq queue delete {name} --yes")


def _scores(task: Document) -> tuple[str, str]:
    summary = task.get("summary", {})
    return tuple(f"{summary[key]:.4f}" if key in summary else "-" for key in ("accuracy", "loss"))  # type: ignore[return-value]
