"""What a worker's record says, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labq.cli.output import span
from labq.model.sound import MALFORMED
from labq.resources import shown, shown_requirement
from labq.store.base import STEADY

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.store import Store

GIB = 2**30
# What a worker is at once it has heard what was asked.
HEARD = {
    "stop": ("stopping",),
    "drain": ("draining", "stopping"),
    "pause": ("paused", "draining", "stopping"),
}


def fresh(store: Store, cards: Sequence[Document]) -> list[Document]:
    """The records with the tasks that each worker runs now: a record is as old as its heartbeat."""
    holders = {"$in": [card["_id"] for card in cards]}
    queues = sorted({card["queue"] for card in cards if "queue" in card})
    running = {"queue": {"$in": queues}, "status": "running", "lease.worker": holders}
    held: dict[str, list[int]] = {}
    for task in store.find(running, sort=[("number", 1)], fields=("number", "lease")):
        held.setdefault(task.get("lease", {}).get("worker", ""), []).append(task["number"])
    return [_with(card, held.get(card["_id"], [])) for card in cards]


def _with(card: Document, tasks: list[int]) -> Document:
    at_work = "busy" if tasks else "idle"
    status = card.get("status")
    card = {field: value for field, value in card.items() if field != STEADY}
    return {**card, "tasks": tasks, "status": at_work if status in ("busy", "idle") else status}


def status_of(card: Document) -> str:
    """What the worker is at, and what it was asked but has not heard: `busy, asked to drain`."""
    status, word = str(card.get("status", "")), card.get("command")
    if MALFORMED in card:
        return ", ".join(filter(None, [status, MALFORMED]))
    unheard = word in HEARD and status not in HEARD[word]
    return f"{status}, asked to {word}" if unheard else status


def has(card: Document) -> str:
    """What it has for its tasks: `cpus=8 memory=62Gi gpus=2 gpu=a100 nvlink`."""
    amounts: dict[str, Any] = dict(card.get("capacity", {}))
    if amounts.get("memory", 0) >= GIB:
        amounts["memory"] = amounts["memory"] // GIB * GIB
    labels = [
        str(key) if value == "true" else shown_requirement({"key": key, "op": "=", "value": value})
        for key, value in card.get("labels", {}).items()
    ]
    return " ".join(text for text in (shown(amounts), *labels) if text)


def ago(card: Document, field: str, now: datetime) -> str:
    """How long ago that was; empty where it never was."""
    return span(now - card[field]) if field in card else ""


def numbers(card: Document) -> str:
    """The tasks that it runs: `4, 7`."""
    return ", ".join(str(number) for number in card.get("tasks", ()))
