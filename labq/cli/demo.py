"""`labq demo`."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from itertools import count, product
from pathlib import Path

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note, public
from labq.errors import LabqError
from labq.queue import Queue
from labq.store import Store
from labq.task import Document, new
from labq.template import parse_command

RATES = (0.01, 0.1, 0.5, 2.0)
PENALTIES = (0.0, 0.01, 0.1)
SCRIPT = ("-m", "labq.demo.train")


def command(
    uri: options.Uri = None,
    queue: options.QueueName = None,
    json: options.Json = False,
) -> None:
    """Run a real sweep in a queue of its own: 12 trainings, ranked by the accuracy they report.

    Examples:
      labq demo
      labq demo --uri mongodb://localhost/lab
    """
    from labq.worker import Finished, Options, Worker

    settings = options.settings(uri, queue)
    store = options.queue_of(settings).store
    here = Queue(store, queue or _fresh_name(store), note, settings.home)
    grid = [{"lr": lr, "l2": l2} for lr, l2 in product(RATES, PENALTIES)]
    began = time.monotonic()
    here.submit([new(args, name="demo", tags=["demo"]) for args in grid])
    note(f"submitted {len(grid)} tasks to queue {here.name} ({store.address}); running them")

    def tell(finished: Finished) -> None:
        if finished.became != "success":
            note(f"task {finished.task['number']} {finished.became}: {finished.reason}")

    template = parse_command([sys.executable, *SCRIPT])
    works = Options(
        settings.home, settings.uri, settings.lease, settings.heartbeat, template, slots=2,
        follow={} if json else {"stdout": sys.stderr.buffer},
    )  # fmt: skip
    tally = Worker(here, {"queue": here.name}, works, tell, note).run()
    if tally.stopped_by:
        raise typer.Exit(128 + tally.stopped_by)
    ranked = list(
        here.find({"queue": here.name}, sort=[("summary.accuracy", -1), ("summary.loss", 1)])
    )
    if json:
        for task in ranked:
            json_line(public(task))
    else:
        _show(ranked, here.name, time.monotonic() - began)
    if any(task["status"] != "success" for task in ranked):
        raise LabqError(f"some tasks failed: labq task show --queue {here.name} NUMBER says why")


def _fresh_name(store: Store) -> str:
    """`demo`, or the first `demo-N` that no queue has yet."""
    there = {record["_id"] for record in store.queues.find()}
    return next(name for n in count(1) if (name := f"demo-{n}" if n > 1 else "demo") not in there)


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
    line(f"\nAll of this sweep: labq task ls --queue {name}")


def _scores(task: Document) -> tuple[str, str]:
    summary = task.get("summary", {})
    return tuple(f"{summary[key]:.4f}" if key in summary else "-" for key in ("accuracy", "loss"))  # type: ignore[return-value]
