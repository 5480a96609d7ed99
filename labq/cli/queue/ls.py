"""`labq queue ls`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from labq.cli import options
from labq.cli.output import json_line, note
from labq.model.sound import MALFORMED, faults_of
from labq.model.task import Document, Status
from labq.queue import workers

Counts: TypeAlias = Mapping[tuple[str, str], int]  # by queue and status
NUMBERS = (*map(str, Status), "all", "workers", "at most")


def command(
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """List the queues: how many tasks of each status, how many workers, and which are paused.

    Examples:
      labq queue ls
      labq queue ls --json
    """
    here = options.open_queue(uri, queue, new=True)
    store = here.store
    counts = store.counts()
    at_work = Counter(card.get("queue") for card in workers.listed(store))
    found = [record for record in store.queues.find() if queue in (None, record["_id"])]
    if not found and queue is not None:
        options.tell_absence(here)
    elif json:
        for record in found:
            json_line(_facts(record, counts, at_work))
    elif found:
        from labq.cli import render

        rows = [_row(_facts(record, counts, at_work)) for record in found]
        render.table(rows, right=NUMBERS, fixed=NUMBERS)
    else:
        note(f"no queues in {store.address} (labq task submit makes one)")


def _facts(record: Document, counts: Counts, at_work: Mapping[Any, int]) -> dict[str, Any]:
    name = record["_id"]
    return {
        "queue": name,
        **{str(status): counts.get((name, status.value), 0) for status in Status},
        "workers": at_work[name],
        "paused": bool(record.get("paused")),
        **{name: record[name] for name in ("max_tasks", MALFORMED) if name in record},
    }


def _row(facts: Mapping[str, Any]) -> dict[str, str]:
    tasks = {str(status): facts[str(status)] for status in Status}
    return {
        "queue": facts["queue"],
        **{status: f"{count:,}" if count else "" for status, count in tasks.items()},
        "all": f"{sum(tasks.values()):,}",
        "workers": f"{facts['workers']:,}" if facts["workers"] else "",
        "paused": "yes" if facts["paused"] else "",
        MALFORMED: faults_of(facts),
        "at most": f"{facts['max_tasks']:,}" if "max_tasks" in facts else "",
    }
