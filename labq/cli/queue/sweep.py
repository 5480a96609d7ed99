"""`labq queue sweep`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from labq.cli import options
from labq.cli.output import json_line, note, plural
from labq.queue.dependencies import LIMIT

# What a sweep counts, in words.
DID = {
    "recovered": "gave back {} of lost workers",
    "promoted": "made {} pending",
    "settled": "told {} what became of those before them",
    "expired": "removed {} whose time was over",
}


def command(
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put right what nobody finished: what any worker of the queue does from time to time.

    Tasks of lost workers are given back, those that are due made pending, ended ones whose --ttl
    is over removed, and the records of dead workers with them. What was recorded of the code of
    tasks that are gone is removed too, ten minutes after it was last needed, and so are the folders
    that they have on this machine.

    Examples:
      labq queue sweep
      labq queue sweep --json
    """
    here = options.open_queue(uri, queue)
    did: Counter[str] = Counter()
    try:
        while True:
            once = asdict(here.sweep())
            did.update(once)
            if max(once.values()) < LIMIT:  # else there may be more
                break
    except BaseException:
        if any(did.values()):
            note(f"labq: {_told(did)}, before this was cut short")
        raise
    if json:
        json_line(dict(did))
    elif not quiet:
        note(_told(did) or f"nothing to put right in queue {here.name}")


def _told(did: Counter[str]) -> str:
    parts = [told.format(plural(did[what])) for what, told in DID.items() if did[what]]
    if did["workers"]:
        parts.append(f"removed {plural(did['workers'], 'dead worker')}")
    if did["folders"]:
        parts.append(f"removed {plural(did['folders'], 'folder')} of tasks that are gone")
    if did["contents"]:
        parts.append(f"removed {plural(did['contents'], 'recorded file')} of no task")
    return ", ".join(parts)
